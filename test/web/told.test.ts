import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, type OpenSchool, openPage, openSchool } from './support.ts';

const missing = (value: number, items: readonly string[], source = 'submission'): string =>
  JSON.stringify({
    since: '2026-03-10',
    value,
    baseline: 7,
    threshold: 1,
    method: 'class_work',
    severity: 'low',
    source,
    items,
  });

/** How bright a colour is, as WCAG reckons. @param colour as in `rgb(1, 2, 3)` */
function luminanceOf(colour: string): number {
  const [r = 0, g = 0, b = 0] = (colour.match(/\d+/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrastOf(one: string, other: string): number {
  const [dark = 0, bright = 0] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}

describe.skipIf(!hasBrowser)('what a teacher has to be told', () => {
  let school: OpenSchool;
  beforeAll(async () => {
    school = await openSchool('web_told', {
      prepare: async (db) => {
        await db.query('UPDATE anomaly_features SET missing_work = $1 WHERE student_id = 4', [missing(1, ['Essay'])]);
        await db.query('UPDATE anomaly_features SET missing_work = $1 WHERE student_id = 2', [
          missing(6, ['E 1', 'E 2', 'E 3', 'E 4', 'E 5']),
        ]);
        await db.query(
          'UPDATE engagement_features SET days_inactive = NULL, last_activity_at = NULL, active_days_30d = 0 WHERE student_id = 2',
        );
        // Came 20 days ago, was there on 7 of the first 8 days, and not since.
        await db.query('UPDATE engagement_features SET days_inactive = 12, active_days_30d = 7 WHERE student_id = 3');
        await db.query(
          'UPDATE state.engagement_series SET first_day = first_day + 40, ma7 = ma7[41:], score = score[41:], ma30 = ma30[41:], trend = trend[41:], events = events[41:] WHERE student_id = 3',
        );
      },
    });
  });
  afterAll(() => school.close());

  test('what a student has not handed in, also if that alone is too little for the list', async () => {
    const { page, errors } = await openPage(school.browser, `${school.url}/#/course/1/student/4`);
    await page.getByText('Not on the list of those to talk to.').waitFor();
    await page.getByText('Too little for the list, but worth knowing:').waitFor();
    await page.getByRole('button', { name: /1 of 7 pieces of work missing \(.?Essay.?\)/ }).waitFor();
    await page.goto(`${school.url}/#/course/1/student/5`);
    await page.getByRole('heading', { name: 'Student 5' }).waitFor();
    await page.getByText('Not on the list of those to talk to.').waitFor();
    expect(await page.getByText('Too little for the list').count()).toBe(0);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('that more is missing than is named, and that somebody has never been there', async () => {
    const { page } = await openPage(school.browser, `${school.url}/#/course/1/student/2`);
    const reasons = page.locator('main li button');
    await reasons.first().waitFor();
    // Without the marks that isolate names.
    const told = (await reasons.allInnerTexts()).map((text) => text.replaceAll(/[\u2066-\u2069]/g, ''));
    expect(told).toEqual([
      'no activity seen in this course so far; the class is usually active on 12 of 21 days',
      '6 of 7 pieces of work missing (E 1, E 2, E 3, E 4, E 5, and 1 more)',
    ]);
    await page.context().close();
  });

  test('how often somebody came before, of the days since the first, and not that a rest of five days is an end', async () => {
    const { page, errors } = await openPage(school.browser, `${school.url}/#/course/1`);
    const told = 'last active 12 days ago; before, active 6 days a week; the class is usually active on 12 of 21 days';
    await page.locator('.people li li').getByText(told).waitFor();
    await page.goto(`${school.url}/#/course/1/student/3`);
    await page.locator('main li').getByText(told).waitFor();
    await school.db.query('UPDATE engagement_features SET days_inactive = 1 WHERE student_id = 3');
    await page.reload();
    await page.locator('main li').getByText('active on 2 of the last 20 days; the class is').waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('that a course that records only marks or completions does not say what was handed in', async () => {
    const { page, errors } = await openPage(school.browser, 'about:blank');
    const reasonFrom = async (source: string): Promise<string> => {
      const flag = missing(1, ['Essay'], source);
      await school.db.query('UPDATE anomaly_features SET missing_work = $1 WHERE student_id = 5', [flag]);
      await page.goto('about:blank');
      await page.goto(`${school.url}/#/course/1/student/5`);
      return (await page.locator('main li button').first().innerText()).replaceAll(/[\u2066-\u2069]/g, '');
    };
    expect(await reasonFrom('submission')).toBe('1 of 7 pieces of work missing (Essay)');
    expect(await reasonFrom('grade')).toBe('1 of 7 pieces of work without a mark above 0 (Essay)');
    expect(await reasonFrom('completion')).toBe('1 of 7 pieces of work not completed (Essay)');
    await school.db.query('UPDATE anomaly_features SET missing_work = NULL WHERE student_id = 5');
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('in which course a student is looked at, also on paper', async () => {
    const { page, errors } = await openPage(school.browser, 'about:blank');
    await page.route('**/api/courses?*', async (route) => {
      const courses = (await (await route.fetch()).json()) as { course_id: number }[];
      await route.fulfill({ json: courses.map((each) => ({ ...each, title: `Title of ${each.course_id}` })) });
    });
    for (const course of [1, 2]) {
      await page.goto(`${school.url}/#/course/${course}/student/1`);
      await page.getByText(`Title of ${course}`, { exact: true }).waitFor();
    }
    await page.emulateMedia({ media: 'print' });
    expect(await page.getByText('Title of 2', { exact: true }).isVisible()).toBe(true);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test.each(['light', 'dark'] as const)('where the middle half of the class ends: %s', async (colorScheme) => {
    const { page } = await openPage(school.browser, `${school.url}/#/course/1/student/1`, { colorScheme });
    await page.locator('.key .band').first().waitFor();
    const [paper, edge, line] = (await page.evaluate(`[
      getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector('path.band')).stroke,
      getComputedStyle(document.querySelector('.key .band')).stroke,
    ]`)) as [string, string, string];
    expect(edge).toMatch(/^rgb/);
    expect(line).toBe(edge);
    // What WCAG asks of lines that have to be seen to understand a picture.
    expect(contrastOf(paper, edge)).toBeGreaterThanOrEqual(3);
    await page.context().close();
  });
});
