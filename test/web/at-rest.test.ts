import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DAYS_AFTER_LAST_FACT } from '#libs/families/course-as-of.ts';
import { insert } from '../api/support.ts';
import { AS_OF, EVENTUALLY, hasBrowser, type OpenSchool, openPage, openSchool } from './support.ts';

/** The last day that course 1 speaks for, which is some days after something happened there. The others go on. */
const ENDED = new Date(Date.UTC(2024, 1, 3 + DAYS_AFTER_LAST_FACT)).toISOString().slice(0, 10);

describe.skipIf(!hasBrowser)('a course in which nothing happens any more', () => {
  let school: OpenSchool;
  beforeAll(async () => {
    school = await openSchool('web_at_rest', {
      prepare: async (db) => {
        await insert(db, 'state.calendar', { today: AS_OF });
        await db.query('UPDATE state.course SET as_of = $1::date WHERE course_id = 1', [ENDED]);
        for (const table of ['engagement_features', 'performance_features', 'anomaly_features'])
          await db.query(`UPDATE ${table} SET as_of_date = $1::date WHERE course_id = 1`, [ENDED]);
        await db.query(
          `UPDATE anomaly_features AS a SET attention = o.attention
           FROM anomaly_features AS o WHERE a.course_id = 2 AND o.course_id = 1 AND o.student_id = 1`,
        );
      },
    });
  });
  afterAll(() => school.close());

  test('is not urgent: it comes last, is not counted, and the table says since when it is at rest', async () => {
    const { page, errors } = await openPage(school.browser, `${school.url}/`);
    const rows = page.locator('tbody tr');
    await expect.poll(() => rows.locator('th').allInnerTexts(), EVENTUALLY).toEqual(['Course 2', 'Course 1']);
    const lead = await page.locator('.lead').innerText();
    expect(lead).toMatch(/^To talk to: 1, .* There are 2 courses\. 1 of them is at rest, and is not counted here\.$/);
    expect(await rows.last().innerText()).toMatch(/\t3\t5\t.*at rest since \P{L}?Feb 3, 2024\P{L}?$/su);
    expect(await page.locator('td.alarm').allInnerTexts()).toEqual(['1']);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('says on its page, and on those of its students, of which day it speaks', async () => {
    const { page, errors } = await openPage(school.browser, 'about:blank');
    for (const path of ['/#/course/1', '/#/course/1/student/2']) {
      await page.goto(school.url + path);
      await page.getByText(/Nothing has happened in this course since \P{L}?February 3, 2024/u).waitFor();
      await page.getByText(/Everything here describes \P{L}?February 9, 2024\P{L}?, not today/u).waitFor();
    }
    await page.goto(`${school.url}/#/course/2`);
    await page.getByText('1 student needs you.').waitFor();
    await page.getByText('Up to date.').waitFor();
    expect(await page.getByText('Nothing has happened').count()).toBe(0);
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
