import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Api } from '../../services/api/role.ts';
import { startTestApi } from '../api/support.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { EVENTUALLY, hasBrowser, openBrowser, openPage, seedSchool } from './support.ts';

/** What somebody wants to know: the links and buttons from the first page on, and the words that say it. */
const TASKS: Readonly<
  Record<string, { readonly steps: readonly (readonly ['link' | 'button', string])[]; readonly answer: string }>
> = {
  'who needs me': { steps: [['link', 'Course 1']], answer: '3 students need you.' },
  'why this student': {
    steps: [
      ['link', 'Course 1'],
      ['link', 'Student 1'],
    ],
    answer: 'stopped 6 days ago; before, active 4 days a week; the class is usually active on 12 of 21 days',
  },
  'how are her grades': {
    steps: [
      ['link', 'Course 1'],
      ['link', 'Student 1'],
    ],
    answer: 'Mean grade\n41.0',
  },
  'did the late submission count': {
    steps: [
      ['link', 'Course 1'],
      ['link', 'Student 1'],
      ['button', 'Of these, late'],
    ],
    answer: 'late',
  },
  'is the data fresh': { steps: [], answer: 'Up to date. The last change came at' },
};

type Role = 'link' | 'button';

/** A link by its text; a number that says why by what it is about. */
const find = (page: Page, role: Role, name: string): Locator =>
  role === 'link' ? page.getByRole('link', { name, exact: true }).first() : page.locator(`button[title*="${name}"]`);

interface Element {
  readonly ownerDocument: { readonly activeElement: unknown };
}

/** Goes to it with the Tab key alone. */
async function tabTo(page: Page, wanted: Locator): Promise<void> {
  await wanted.waitFor();
  for (let presses = 0; presses < 200; presses += 1) {
    if (await wanted.evaluate((element: Element) => element.ownerDocument.activeElement === element)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no way to ${wanted} by the keyboard`);
}

describe.skipIf(!hasBrowser)('what a teacher wants to know is three clicks away at most', () => {
  let analytics: TestDatabase;
  let api: Api;
  let browser: Browser;

  beforeAll(async () => {
    analytics = await createAnalyticsDatabase('web_tasks');
    await seedSchool(analytics.db, 12);
    api = await startTestApi(analytics.db);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await api.stop();
    await analytics.drop();
  });

  test.each(Object.entries(TASKS))('%s, by the mouse and by the keyboard alone', async (_, { steps, answer }) => {
    expect(steps.length).toBeLessThanOrEqual(3);
    const { page, errors } = await openPage(browser, `${api.url}/`);
    const go = {
      mouse: (wanted: Locator) => wanted.click(),
      keyboard: async (wanted: Locator) => {
        await tabTo(page, wanted);
        await page.keyboard.press('Enter');
      },
    };
    for (const way of ['mouse', 'keyboard'] as const) {
      await page.goto('about:blank');
      await page.goto(`${api.url}/`);
      for (const [role, name] of steps) await go[way](find(page, role, name));
      await expect.poll(() => page.locator('body').innerText(), EVENTUALLY).toContain(answer);
    }
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('at 400 % zoom nothing has to be scrolled sideways but what scrolls by itself', async () => {
    const { page } = await openPage(browser, `${api.url}/#/course/1`, { viewport: { width: 320, height: 256 } });
    for (const path of ['/', '/#/course/1', '/#/course/1/student/1', '/ops']) {
      await page.goto(api.url + path);
      await page.locator('h1').waitFor();
      await page.locator('td, dd').first().waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBeLessThanOrEqual(320);
    }
    await page.context().close();
  });
});
