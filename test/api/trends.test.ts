import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatDay, parseDay } from '#libs/domain/local-date.ts';
import { engagementTrendsAnswer } from '#libs/serve/engagement-trends.ts';
import { sql } from '#libs/serve/statements.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import {
  addCourseState,
  addEngagementSeries,
  addPeople,
  ask,
  errorOf,
  insert,
  startTestApi,
  uuid,
  walk,
} from './support.ts';

let analytics: TestDatabase;
let api: Api;
const trends = (query = '') => ask(`${api.url}/api/engagement/trends${query}`);
const rowsOf = async (query = '') => engagementTrendsAnswer.parse((await trends(query)).body);

/** `count` values that begin with `first`. */
const run = (first: number, count: number): number[] => Array.from({ length: count }, (_, n) => first + n);
const days = (first: string, count: number): string[] => run(parseDay(first), count).map(formatDay);

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_trends');
  const { db } = analytics;
  await addPeople(db, 7, 3);
  await addCourseState(db, 1, '2026-03-20');
  await addCourseState(db, 2, '2026-02-10');
  // 39 days from 10 February on: each day's value is its place in the series.
  await addEngagementSeries(db, { student_id: 1, course_id: 1 }, { first_day: '2026-02-10', score: run(1, 39) });
  await db.query('UPDATE state.engagement_series SET ma7 = score, ma30 = score, trend = score');
  await addEngagementSeries(
    db,
    { student_id: 2, course_id: 1 },
    {
      first_day: '2026-03-18',
      score: [0, 0, 0],
      ma7: [null, 1_357, 0],
      ma30: [10_000, null, 1],
      trend: [null, -1_500_001, 0],
    },
  );
  await insert(db, 'state.key', { family: 'engagement', student_id: 3, course_id: 1, derived: true });
  // The first is not derived up to the course's as-of day yet, the second beyond it, and the third ended long ago.
  await addEngagementSeries(db, { student_id: 4, course_id: 1 }, { first_day: '2026-03-17', score: [1, 2] });
  await addEngagementSeries(db, { student_id: 5, course_id: 1 }, { first_day: '2026-03-19', score: [1, 2, 3, 4] });
  await addEngagementSeries(db, { student_id: 6, course_id: 1 }, { first_day: '2025-03-17', score: [1, 2] });
  await addEngagementSeries(db, { student_id: 1, course_id: 2 }, { first_day: '2026-02-08', score: [1, 2, 3] });
  await insert(db, 'state.key', { family: 'performance', student_id: 7, course_id: 1, derived: true });
  api = await startTestApi(db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

const EXPECTED = [
  ...days('2026-02-19', 30).map((day) => [1, 1, day]),
  ...days('2026-03-18', 3).map((day) => [1, 2, day]),
  ...days('2026-03-17', 2).map((day) => [1, 4, day]),
  ...days('2026-03-19', 2).map((day) => [1, 5, day]),
  ...days('2026-02-08', 3).map((day) => [2, 1, day]),
];

test("30 days up to each course's as-of, in order of course, student, day", async () => {
  const rows = await rowsOf();
  expect(rows.map((row) => [row.course_id, row.student_id, row.feature_date])).toEqual(EXPECTED);
  expect(rows[0]).toEqual({
    student_id: 1,
    course_id: 1,
    feature_date: '2026-02-19',
    engagement_ma7: 0.1,
    engagement_ma30: 0.1,
    engagement_trend: 0.00001,
  });
  expect(rows[29]).toMatchObject({ feature_date: '2026-03-20', engagement_ma7: 0.39 });
});

test('null stays null, 0 stays 0', async () => {
  const rows = (await rowsOf()).filter((row) => row.student_id === 2);
  expect(rows.map((row) => [row.engagement_ma7, row.engagement_ma30, row.engagement_trend])).toEqual([
    [null, 100, null],
    [13.57, null, -1.500001],
    [0, 0.01, 0],
  ]);
});

test('fewer days, or more', async () => {
  expect((await rowsOf('?days=1')).map((row) => [row.course_id, row.student_id, row.feature_date])).toEqual([
    [1, 1, '2026-03-20'],
    [1, 2, '2026-03-20'],
    [1, 5, '2026-03-20'],
    [2, 1, '2026-02-10'],
  ]);
  const all = await rowsOf('?days=366');
  expect(all.filter((row) => row.student_id === 1 && row.course_id === 1)).toHaveLength(39);
  // The window reaches back to 20 March 2025; this one ended two days before.
  expect(all.filter((row) => row.student_id === 6)).toEqual([]);
});

test('one course, by our integer or the UUID of the source', async () => {
  const expected = EXPECTED.filter(([course]) => course === 2);
  for (const id of ['2', uuid('c', 2), uuid('c', 2).toUpperCase()]) {
    const rows = await rowsOf(`?course_id=${id}`);
    expect(rows.map((row) => [row.course_id, row.student_id, row.feature_date])).toEqual(expected);
  }
  expect(await rowsOf('?course_id=3')).toEqual([]);
  const unknown = await trends('?course_id=99');
  expect(unknown.status).toBe(404);
  expect(errorOf(unknown).code).toBe('course_not_found');
});

test.each([1, 3, 7, 30, 39, 40])('pages of %i visit each row exactly once, in order', async (limit) => {
  const whole = await rowsOf();
  const { rows, sizes } = await walk(api, `/api/engagement/trends?limit=${limit}`);
  expect(rows).toEqual(whole);
  expect(sizes).toHaveLength(Math.ceil(whole.length / limit));
  const one = await walk(api, `/api/engagement/trends?course_id=1&days=30&limit=${limit}`);
  expect(one.rows).toEqual(whole.filter((row) => row.course_id === 1));
});

const cursorOf = (key: unknown): string => Buffer.from(JSON.stringify(key)).toString('base64url');

test.each([
  ['days=0', 'days is "0": a whole number from 1 to 366 is expected'],
  ['days=367', 'days is "367": a whole number from 1 to 366 is expected'],
  ['days=-1', 'days is "-1": a whole number from 1 to 366 is expected'],
  ['days=week', 'days is "week": a whole number from 1 to 366 is expected'],
  ['limit=0', 'limit is "0": a whole number from 1 to 50000 is expected'],
  ['limit=50001', 'limit is "50001": a whole number from 1 to 50000 is expected'],
  ['course_id=maths', 'course_id is "maths": an integer or a UUID is expected'],
  ['course_id=1&course_id=2', 'course_id is given 2 times: an integer or a UUID is expected, once'],
  ['days=0&limit=x', /^days is .*; limit is /],
  ['cursor=nonsense', 'cursor is not one that this list has given'],
  [`cursor=${cursorOf([1, 1])}`, 'cursor is not one that this list has given'],
  [`cursor=${cursorOf([1, 1, '2026-02-30'])}`, 'cursor is not one that this list has given'],
  [`cursor=${cursorOf([1, 2 ** 31, '2026-02-20'])}`, 'cursor is not one that this list has given'],
])('GET /api/engagement/trends?%s is refused by name', async (query, message) => {
  const answer = await trends(`?${query}`);
  expect(answer.status).toBe(400);
  expect(errorOf(answer)).toMatchObject({ code: 'invalid_parameter', message: expect.stringMatching(message) });
});

test('an unknown parameter is refused', async () => {
  const answer = await trends('?courseId=1');
  expect(answer.status).toBe(400);
  expect(errorOf(answer)).toMatchObject({
    code: 'unknown_parameter',
    hint: 'the parameters of this route are days, course_id, limit, cursor',
  });
});

test('a page reads no more series than it shows, whatever the planner knows of the tables', async () => {
  const big = await createAnalyticsDatabase('api_trends_big');
  const { db } = big;
  try {
    await addPeople(db, 1_000, 10);
    await db.query(`INSERT INTO state.course (course_id, version, covered_from, as_of)
      SELECT n, 1, '{}', '2026-03-20' FROM generate_series(1, 10) AS n`);
    await db.query(`INSERT INTO state.key (family, course_id, student_id)
      SELECT family, 1 + n % 10, n FROM generate_series(1, 1000) AS n, unnest('{engagement,performance}'::text[]) AS family`);
    await db.query(`INSERT INTO state.engagement_series (student_id, course_id, first_day, score, ma7, ma30, trend, events)
      SELECT n, 1 + n % 10, date '2026-03-20' - 249, days, days, days, days, days
      FROM generate_series(1, 1000) AS n, (SELECT array_agg(d * 7919 % 10000) AS days FROM generate_series(1, 250) AS d)`);
    for (const planned of ['never analysed', 'analysed']) {
      for (const mode of ['force_custom_plan', 'force_generic_plan']) {
        const plan = await db.transaction(async (tx) => {
          await tx.query(`SET LOCAL plan_cache_mode = ${mode}`);
          await tx.query(`PREPARE page AS ${sql.engagement_trends_page.text}`);
          const [row] = await tx.query(`EXPLAIN (ANALYZE, FORMAT JSON)
            EXECUTE page (30, 0, 2147483647, 3, 42, '2026-03-01', 2147483647, 2147483647, '9999-12-31', 1001, 0)`);
          await tx.query('DEALLOCATE page');
          return JSON.stringify(row);
        });
        expect(plan, planned).toContain('"Incremental Sort"');
        const looked = /"Index Name":"engagement_series_pkey".*?"Actual Loops":(\d+)/.exec(plan)?.[1];
        // 1,001 rows at 30 days per key come from 34 keys; the sort reads a few more than it returns.
        expect(Number(looked), `${planned}, ${mode}`).toBeLessThan(50);
      }
      await db.query('ANALYZE');
    }
  } finally {
    await big.drop();
  }
});
