import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EVENTUALLY, hasBrowser, type OpenSchool, openPage, openSchool } from './support.ts';

const STUDENTS = 2_000;

describe.skipIf(!hasBrowser)('the teacher’s page', () => {
  let school: OpenSchool;
  beforeAll(async () => {
    school = await openSchool('web_teacher', { students: STUDENTS });
  });
  afterAll(() => school.close());

  test('says who needs somebody and why, from the list of courses on', async () => {
    const { page, errors } = await openPage(school.browser, `${school.url}/`);
    const course = page.getByRole('row', { name: /Course 1/ });
    expect(await course.innerText()).toMatch(/\t3\t2,000\t/);
    await course.getByRole('link').click();
    await page.getByRole('heading', { name: 'To talk to' }).waitFor();
    const lead = await page.locator('.lead').first().innerText();
    expect(lead).toContain('3 students need you. 3 are new this week.');
    expect(lead).toContain('last active 6 days ago; before, active 4 days a week');
    expect(await page.locator('.people > li').count()).toBe(3);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('says of the courses together that a student is counted once in each', async () => {
    const { page, errors } = await openPage(school.browser, 'about:blank');
    await school.db.query(
      `UPDATE anomaly_features AS a SET attention = o.attention
       FROM anomaly_features AS o WHERE a.course_id = 2 AND o.course_id = 1 AND o.student_id = 1`,
    );
    await page.goto(`${school.url}/`);
    await page.getByRole('button', { name: 'To talk to: 4, a student counted once in each course.' }).click();
    await page.getByText('a student whom somebody should talk to in two courses is counted twice').waitFor();
    await page.getByText('Counted over 2 courses.').waitFor();
    await school.db.query('UPDATE anomaly_features SET attention = NULL WHERE course_id = 2');
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('holds a hundred rows at most of two thousand students, and sorts them in less than 100 ms of script', async () => {
    const { page, errors } = await openPage(school.browser, `${school.url}/#/course/1`);
    const table = page.locator('table.everyone');
    await table.waitFor();
    expect(await table.locator('tbody tr').count()).toBeGreaterThan(10);
    expect(await page.locator('tr').count()).toBeLessThanOrEqual(100);
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    const scriptMs = async (): Promise<number> => {
      const { metrics } = await session.send('Performance.getMetrics');
      return 1000 * (metrics.find(({ name }) => name === 'ScriptDuration')?.value ?? Number.NaN);
    };
    // The machine may be busy: of several attempts, take the least disturbed.
    const took: number[] = [];
    for (const order of ['descending', 'ascending', 'descending', 'ascending', 'descending']) {
      const before = await scriptMs();
      await page.getByRole('button', { name: 'Score' }).click();
      await page.locator(`th[aria-sort="${order}"]`, { hasText: 'Score' }).waitFor();
      took.push((await scriptMs()) - before);
    }
    expect(Math.min(...took)).toBeLessThan(100);
    const scores = await table.locator('tbody tr td:nth-child(3)').allInnerTexts();
    expect(scores.slice(0, 2)).toEqual(['100', '100']);
    await page.getByLabel('Find by name').fill('1999');
    await expect.poll(() => table.locator('tbody tr').count(), EVENTUALLY).toBe(1);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('says of a rhythm on which day the class is most active, where days differ', async () => {
    const { page, errors } = await openPage(school.browser, 'about:blank');
    const rhythmOf = async (...days: readonly [day: string, active: number][]): Promise<string | null> => {
      const json = days.map(([feature_date, active]) => ({
        feature_date,
        students: 5,
        active,
        engagement_ma7: null,
        grade_ma30: null,
      }));
      await page.route('**/api/metrics/course/1/days', (route) => route.fulfill({ json }));
      await page.goto('about:blank');
      await page.goto(`${school.url}/#/course/1`);
      const text = await page.getByRole('img', { name: /last four weeks/ }).getAttribute('aria-label');
      await page.unrouteAll();
      return text;
    };
    const [monday, sameOfNextWeek, tuesday] = ['2026-03-09', '2026-03-16', '2026-03-17'];
    const plain = 'How much of the class was active in the last four weeks, by day of the week.';
    expect(await rhythmOf([monday, 4], [sameOfNextWeek, 4])).toBe(plain);
    expect(await rhythmOf([sameOfNextWeek, 4], [tuesday, 4])).toBe(plain);
    // Nothing is known of the other days, so they are not the least active.
    expect(await rhythmOf([sameOfNextWeek, 1], [tuesday, 4])).toMatch(
      /most active on .?Tuesday.? \(80%\), and least on .?Monday/,
    );
    expect(await rhythmOf([monday, 0], [tuesday, 0])).toBe('Nobody was active in the last four weeks.');
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('shows one student against the own past and the class, and what is not known is said, not 0', async () => {
    const { page, errors } = await openPage(school.browser, `${school.url}/#/course/1/student/2`);
    await page.getByRole('heading', { name: 'Over time' }).waitFor();
    expect(await page.getByRole('img', { name: /Engagement is at \d+/ }).count()).toBe(1);
    await page.route('**/api/trajectory/**', async (route) => {
      const days = Array.from({ length: 80 }, (_, day) => new Date(Date.UTC(2026, 0, 1 + day)).toISOString());
      const json = days.map((day, index) => ({ x: day.slice(0, 10), y: index < 20 ? 64 : 0, grade_ma30: null }));
      await route.fulfill({ json });
    });
    await page.reload();
    await page.getByRole('img', { name: 'Usual for this student is 64.' }).waitFor();
    const unknown = page.locator('dl.facts > div', { hasText: 'Completed, %' });
    expect(await unknown.innerText()).toMatch(/not known$/);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('who has been gone for long is counted and not listed, and that is said', async () => {
    const { page } = await openPage(school.browser, 'about:blank');
    await school.db.query('UPDATE engagement_features SET days_inactive = 61 WHERE student_id = 3 AND course_id = 1');
    await page.goto(`${school.url}/#/course/1`);
    await page.getByText('2 students need you.').waitFor();
    await page.getByText('1 more has been gone for over two months, and is not on the list.').waitFor();
    await page.context().close();
  });

  test('a course without students, one with a single one, and one that does not exist say so', async () => {
    const { page, errors } = await openPage(school.browser, `${school.url}/#/course/3`);
    await page.getByText('This course has no students yet.').waitFor();
    await page.goto(`${school.url}/#/course/2`);
    await page.getByText('Nobody needs you just now').waitFor();
    await page.goto(`${school.url}/#/course/99`);
    await page.getByText('There is no student or course with that number here.').waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
