import { afterAll, beforeAll, expect, test } from 'vitest';
import { attentionAnswer } from '#libs/serve/attention.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { addCourseState, addPeople, ask, errorOf, insertAll, startTestApi, walk } from './support.ts';

let analytics: TestDatabase;
let api: Api;

const attention = (value: number, since: string): object => ({
  since,
  value,
  baseline: 0,
  threshold: 3,
  method: 'points',
  severity: value >= 5 ? 'high' : value === 4 ? 'medium' : 'low',
  reasons: [{ reason: 'absent', points: value }],
});
const absent = { since: '2026-03-01', value: 0, baseline: 6, threshold: 3, method: 'class_days', severity: 'high' };

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_attention');
  const { db } = analytics;
  await addPeople(db, 7, 2);
  await addCourseState(db, 1, '2026-03-20');
  await addCourseState(db, 2, '2026-03-20');
  const row = (student_id: number, value: number, since: string, course_id = 1) => ({
    student_id,
    course_id,
    attention: attention(value, since),
    absent,
    as_of_date: '2026-03-20',
  });
  await insertAll(db, 'anomaly_features', [
    row(1, 3, '2026-03-14'),
    row(2, 5, '2026-03-13'),
    row(3, 4, '2026-03-20'),
    row(4, 4, '2026-03-19', 2),
    row(5, 6, '2026-03-20'),
    row(6, 3, '2026-03-18'),
    { student_id: 7, course_id: 1, as_of_date: '2026-03-20' },
  ]);
  const gone = (student_id: number, days_inactive: number | null, course_id = 1) => ({
    student_id,
    course_id,
    days_inactive,
    as_of_date: '2026-03-20',
  });
  await insertAll(db, 'engagement_features', [
    gone(1, 30),
    gone(2, 29),
    gone(3, 60),
    gone(4, 12, 2),
    gone(5, 61),
    gone(6, null),
  ]);
  api = await startTestApi(db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

const students = (rows: readonly unknown[]): number[] => attentionAnswer.parse(rows).map((row) => row.student_id);

test('most points first, then the longest away; of the last seven days, and not of who is long gone', async () => {
  const { status, body } = await ask(`${api.url}/api/attention`);
  expect(status).toBe(200);
  expect(students(body as unknown[])).toEqual([3, 4, 1, 6]);
  expect((body as unknown[])[0]).toMatchObject({
    value: 4,
    since: '2026-03-20',
    reasons: [{ reason: 'absent', points: 4 }],
    absent,
    missing_work: null,
    days_inactive: 60,
    as_of: '2026-03-20',
  });
});

test('of so many days, of all, of one course', async () => {
  const listed = async (query: string) => students((await ask(`${api.url}/api/attention?${query}`)).body as unknown[]);
  expect(await listed('days=8')).toEqual([2, 3, 4, 1, 6]);
  expect(await listed('days=all')).toEqual([2, 3, 4, 1, 6]);
  expect(await listed('days=1')).toEqual([3]);
  expect(await listed('course_id=2')).toEqual([4]);
  const wrong = await ask(`${api.url}/api/attention?days=0`);
  expect([wrong.status, errorOf(wrong).message]).toEqual([
    400,
    'days is "0": a number of days from 1 to 9999, or all, is expected',
  ]);
});

test.each([1, 2, 3, 5])('in pages of %i, each student once', async (limit) => {
  const { rows, sizes } = await walk(api, `/api/attention?days=all&limit=${limit}`);
  expect(students(rows)).toEqual([2, 3, 4, 1, 6]);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(limit);
});
