import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EVENTUALLY, hasBrowser, type OpenSchool, openPage, openSchool } from './support.ts';

const focused = (page: Page): Promise<string> =>
  page.evaluate('[document.activeElement.tagName, document.activeElement.textContent].join(" ")');

/** A page of whose students there are names, which take their time. */
const slowNames = (page: Page): Promise<unknown> =>
  page.route('**/api/directory?*', async (route) => {
    await new Promise((go) => setTimeout(go, 500));
    await route.fulfill({ json: [{ student_id: 1, name: 'Ada Lovelace' }] });
  });

describe.skipIf(!hasBrowser)('who hears the pages', () => {
  let school: OpenSchool;
  beforeAll(async () => {
    school = await openSchool('web_spoken', { students: 60 });
  });
  afterAll(() => school.close());

  test('hears the name of a student and not a number: the title has the focus when it is known', async () => {
    const { page, errors } = await openPage(school.browser, 'about:blank');
    await slowNames(page);
    await page.goto(`${school.url}/#/course/1`);
    await page.evaluate(
      'globalThis.heard = []; addEventListener("focusin", ({ target }) => heard.push(target.textContent))',
    );
    await page.locator('.people .who').first().click();
    await page.getByRole('heading', { name: 'Over time' }).waitFor();
    await expect.poll(() => focused(page), EVENTUALLY).toBe('H1 Ada Lovelace');
    expect(await page.evaluate('heard.filter((text) => text.startsWith("Student"))')).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('is left where they have gone on to while the name is read', async () => {
    const { page } = await openPage(school.browser, 'about:blank');
    await slowNames(page);
    await page.goto(`${school.url}/#/course/1/student/1`);
    await page.getByRole('link', { name: 'Back to the course' }).focus();
    await page.getByRole('heading', { name: 'Ada Lovelace' }).waitFor();
    await page.getByRole('heading', { name: 'Over time' }).waitFor();
    expect(await focused(page)).toBe('A Back to the course');
    await page.context().close();
  });
});
