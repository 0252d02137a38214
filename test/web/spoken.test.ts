import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EVENTUALLY, hasBrowser, type OpenSchool, openPage, openSchool } from './support.ts';

const focused = (page: Page): Promise<string> =>
  page.evaluate('[document.activeElement.tagName, document.activeElement.textContent].join(" ")');

/** Delays the names of a page's students. */
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
      'globalThis.heard = []; addEventListener("focusin", ({ target }) => heard.push(target.tagName + " " + target.textContent))',
    );
    await page.locator('.people .who').first().click();
    await page.getByRole('heading', { name: 'Over time' }).waitFor();
    await expect.poll(() => focused(page), EVENTUALLY).toBe('H1 Ada Lovelace');
    expect(await page.evaluate('heard.filter((text) => text.startsWith("H1 Student"))')).toEqual([]);
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

  test('keeps the focus when what was pressed goes, or has come to its end', async () => {
    const { page } = await openPage(school.browser, `${school.url}/#/course/1`);
    const next = page.getByRole('button', { name: 'Next' });
    await next.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('Page 2 of 2').waitFor();
    expect(await focused(page)).toBe('BUTTON Next');
    expect(await next.getAttribute('aria-disabled')).toBe('true');
    await page.keyboard.press('Enter');
    expect(await page.getByText('Page 2 of 2').count()).toBe(1);
    await page.getByRole('button', { name: 'Try it' }).press('Enter');
    await page.getByRole('button', { name: 'Try it' }).waitFor({ state: 'detached' });
    expect(await focused(page)).toMatch(/^H2 What if/);
    await page.context().close();
  });

  test('hears of a number what it is, and goes through its rows alone', async () => {
    const { page } = await openPage(school.browser, 'about:blank');
    const listed = Array.from({ length: 30 }, (_, id) => ({ id: `row ${id}`, at: null, read_as: { enrolled: true } }));
    await page.route('**/api/explain/**', (route) =>
      route.fulfill({
        json: {
          as_of: '2026-03-20',
          value: 1,
          definition: { table: 'performance_features', formula: 'f' },
          parts: {},
          rows: { count: 30, listed },
          left_out: { count: 0, listed: [] },
          would_change: [],
        },
      }),
    );
    await page.goto(`${school.url}/#/course/1/student/1`);
    await page.locator('dl.facts button').first().press('Enter');
    await page.getByText('and 20 more').waitFor();
    expect(await page.locator('dialog [aria-live]').innerText()).toMatch(/^Logins, time,[^\n]*\s+As of/);
    expect(await page.locator('dialog [aria-live] table').count()).toBe(0);
    await page.getByRole('button', { name: 'Show more' }).press('Enter');
    await page.getByText('and 20 more').waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toMatch(/^It is based on 30 rows/);
    await page.context().close();
  });

  test('and who prints some of the students reads on the paper that they are not all', async () => {
    const { page } = await openPage(school.browser, `${school.url}/#/course/1`);
    await page.getByLabel('Show').selectOption('attention');
    await page.emulateMedia({ media: 'print' });
    expect(await page.getByText('3 of 60 students').isVisible()).toBe(true);
    await page.context().close();
  });
});
