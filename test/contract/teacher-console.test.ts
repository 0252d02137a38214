import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatDay, parseDay } from '#libs/domain/local-date.ts';
import type { Api } from '../../services/api/role.ts';
import { addCourseState, addEngagementSeries, addPeople, ask, insertAll, startTestApi, uuid } from '../api/support.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { CONSOLE_METRICS, CONSOLE_TEMPORAL, readAs } from './readers.ts';

/*
 * What teacher-console takes from the database and from the API. This may grow, but not change: it is written for these
 * names and types, and ignores fields that it does not know.
 */

let analytics: TestDatabase;
let api: Api;
let today: string;
const daysAgo = (days: number): string => formatDay(parseDay(today) - days);

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('contract_console');
  const { db } = analytics;
  const [row] = await db.query<{ today: string }>('SELECT CURRENT_DATE AS today');
  today = row?.today ?? '';
  await addPeople(db, 3, 2);
  for (const course of [1, 2]) await addCourseState(db, course, today);
  await insertAll(db, 'engagement_features', [
    { student_id: 1, course_id: 1, engagement_score: 83.5, enrolled_at: '2026-01-01T08:00:00Z' },
    { student_id: 2, course_id: 1, engagement_score: null, enrolled_at: '2026-01-01T08:00:00Z' },
    { student_id: 1, course_id: 2, engagement_score: 5, enrolled_at: null },
  ]);
  await insertAll(db, 'performance_features', [
    { student_id: 1, course_id: 1, success_rate: 66.67 },
    { student_id: 3, course_id: 1, success_rate: 0 },
  ]);
  // Forty days that end today; day n scores n hundredths.
  const days = Array.from({ length: 40 }, (_, n) => n);
  await addEngagementSeries(
    db,
    { student_id: 1, course_id: 1 },
    {
      first_day: daysAgo(39),
      score: days,
      ma7: days.map((n) => n + 100),
      ma30: days.map((n) => (n === 39 ? null : n)),
    },
  );
  api = await startTestApi(db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

const asConsole = (text: string): Promise<Record<string, unknown>[]> =>
  readAs(analytics.db, 'public', (tx) => tx.query<Record<string, unknown>>(text, [1]));

describe('from the contract tables', () => {
  test('student_metrics: a row for each student of the course, unknown as null', async () => {
    const rows = await asConsole(CONSOLE_METRICS);
    expect(rows.toSorted((a, b) => Number(a['student_id']) - Number(b['student_id']))).toEqual([
      { student_id: 1, course_id: 1, engagement_score: '83.50', success_rate: '66.67' },
      { student_id: 2, course_id: 1, engagement_score: null, success_rate: null },
      { student_id: 3, course_id: 1, engagement_score: null, success_rate: '0.00' },
    ]);
  });

  test('temporal_features: the last 30 days, oldest first', async () => {
    const rows = await asConsole(CONSOLE_TEMPORAL);
    expect(rows).toHaveLength(31);
    expect(rows[0]).toEqual({
      course_id: 1,
      feature_date: daysAgo(30),
      engagement_ma7: '1.09',
      engagement_ma30: '0.09',
    });
    expect(rows.at(-1)).toEqual({ course_id: 1, feature_date: today, engagement_ma7: '1.39', engagement_ma30: null });
  });
});

/** The body of a call that must succeed; every error has the same shape. */
async function call(path: string): Promise<unknown> {
  const answer = await ask(api.url + path);
  expect(answer.status).toBe(200);
  return answer.body;
}

describe.each([
  ['our integers', '1', '1'],
  ['the UUIDs of the source', uuid('a', 1), uuid('c', 1)],
])('from the API, by %s', (_, student, course) => {
  test('GET /api/metrics/course/{id}: an array of one', async () => {
    const body = (await call(`/api/metrics/course/${course}`)) as Record<string, unknown>[];
    expect(body).toMatchObject([
      {
        course_id: 1,
        total_students: 2,
        avg_engagement: 83.5,
        avg_success_rate: 33.34,
        quantiles: {
          engagement_score: { p10: 83.5, p25: 83.5, p50: 83.5, p75: 83.5, p90: 83.5 },
          success_rate: { p10: 6.67, p25: 16.67, p50: 33.34, p75: 50, p90: 60 },
        },
        coverage: { login: null, view: null },
      },
    ]);
    expect(body[0]).toHaveProperty('anomalies');
  });

  test('GET /api/students?courseId=&limit=: an array, limit rows at most', async () => {
    const first = { id: 1, source_id: uuid('a', 1), courseId: 1, engagement: 83.5, successRate: 66.67 };
    const second = { id: 2, source_id: uuid('a', 2), courseId: 1, engagement: null, successRate: null };
    const third = { id: 3, source_id: uuid('a', 3), courseId: 1, engagement: null, successRate: 0 };
    expect(await call(`/api/students?courseId=${course}&limit=50`)).toMatchObject([first, second, third]);
    expect(await call(`/api/students?courseId=${course}&limit=2`)).toMatchObject([first, second]);
  });

  test('GET /api/trajectory/{id}?days=: points, oldest first, that many days', async () => {
    expect(await call(`/api/trajectory/${student}?days=3`)).toMatchObject([
      { x: daysAgo(2), y: 1.37, course_id: 1 },
      { x: daysAgo(1), y: 1.38, course_id: 1 },
      { x: today, y: 1.39, course_id: 1 },
    ]);
    expect(await call(`/api/trajectory/${student}?days=90`)).toHaveLength(40);
    expect(await call(`/api/trajectory/${student}`)).toHaveLength(40);
  });
});
