import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insert, uuid } from '../api/support.ts';
import { EVENTUALLY, hasBrowser, type OpenSchool, openPage, openSchool } from './support.ts';

const MARKUP = '<img src=x onerror="document.title=1"><b>Ada</b>';
const LONG = 'Donaudampfschifffahrtsgesellschaftskapitän Rhabarberbarbarabarbarbarenbartbarbier';
const RIGHT_TO_LEFT = 'ليلى بنت أحمد';

describe.skipIf(!hasBrowser)('names are text', () => {
  let school: OpenSchool;
  beforeAll(async () => {
    school = await openSchool('web_names', { isLive: true });
  });
  afterAll(() => school.close());

  test('whatever stands in them: markup, letters from right to left, words of forty letters', async () => {
    const { page, errors } = await openPage(school.browser, 'about:blank', { viewport: { width: 390, height: 844 } });
    const names = [MARKUP, LONG, RIGHT_TO_LEFT].map((name, index) => ({ student_id: index + 1, name }));
    await page.route('**/api/directory?*', (route) => route.fulfill({ json: names }));
    await page.goto(`${school.url}/#/course/1`);
    const listed = page.locator('.people .who');
    await expect.poll(() => listed.allInnerTexts(), EVENTUALLY).toEqual([MARKUP, LONG, RIGHT_TO_LEFT]);
    expect(await page.locator('main img, main b').count()).toBe(0);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    expect(await page.locator('.people bdi').count()).toBe(3);
    // As people type it: without accents, which some texts have as separate characters.
    for (const typed of ['GESELLSCHAFTSKAPITAN', 'gesellschaftskapita\u0308n', 'أحمد']) {
      await page.getByLabel('Find by name').fill(typed);
      await expect.poll(() => page.locator('table.everyone tbody tr').count(), EVENTUALLY).toBe(1);
    }
    await listed.first().click();
    await page.getByRole('heading', { level: 1, name: MARKUP }).waitFor();
    expect(await page.title()).toBe(`${MARKUP} · PrepaData`);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('in French no line ends before a colon', async () => {
    const { page } = await openPage(school.browser, `${school.url}/#/course/1`, { locale: 'fr-FR' });
    await page.getByRole('heading', { name: 'Et si' }).first().waitFor();
    expect(await page.locator('main').innerText()).toMatch(/\u00a0[:;?]/);
    expect(await page.locator('main').innerText()).not.toMatch(/ [:;?!%]/);
    await page.context().close();
  });

  test('where they are not kept, or may not be seen, a number stands for each', async () => {
    const { page } = await openPage(school.browser, 'about:blank');
    await page.route('**/api/directory?*', (route) =>
      route.fulfill({ status: 403, json: { error: { code: 'missing_scope', message: 'no', hint: 'ask' } } }),
    );
    await page.goto(`${school.url}/#/course/1`);
    await expect
      .poll(() => page.locator('.people .who').allInnerTexts(), EVENTUALLY)
      .toEqual(['Student 1', 'Student 2', 'Student 3']);
    await page.context().close();
  });

  test('who has come since has a name, too: they are read again then, and not at each change', async () => {
    const { page, errors } = await openPage(school.browser, 'about:blank');
    const ids = [1, 2, 3, 4, 5];
    let asked = 0;
    await page.route('**/api/directory?*', async (route) => {
      asked += 1;
      await route.fulfill({ json: ids.map((id) => ({ student_id: id, name: `Ada ${id}` })) });
    });
    await page.goto(`${school.url}/#/course/1`);
    await page.getByText('Changes appear by themselves.').waitFor();
    await page.getByRole('link', { name: 'Ada 5' }).first().waitFor();
    ids.push(6);
    const { db } = school;
    await db.query('INSERT INTO student (source_id) VALUES ($1)', [uuid('a', 6)]);
    await insert(db, 'engagement_features', { student_id: 6, course_id: 1, row_version: 100 });
    await page.getByRole('link', { name: 'Ada 6' }).waitFor();
    expect(asked).toBe(2);
    await db.query(
      'UPDATE engagement_features SET engagement_score = 99, row_version = 101 WHERE student_id = 6 AND course_id = 1',
    );
    await page.getByRole('row', { name: 'Ada 6' }).getByText('99').waitFor();
    expect(asked).toBe(2);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test.each(['courses', 'directory'])(
    'where /api/%s fails, the page of a course says so, and shows the rest',
    async (list) => {
      const { page } = await openPage(school.browser, 'about:blank');
      await page.route(`**/api/${list}?*`, (route) =>
        route.fulfill({ status: 500, json: { error: { code: 'internal', message: 'no', hint: 'see the log' } } }),
      );
      await page.goto(`${school.url}/#/course/1`);
      await page.getByText('The server could not answer this.').waitFor();
      await page.getByText('3 students need you.').waitFor();
      await page.context().close();
    },
  );
});
