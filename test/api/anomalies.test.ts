import { afterAll, beforeAll, expect, test } from 'vitest';
import { anomaliesAnswer } from '#libs/serve/anomalies.ts';
import { encodeCursor } from '#libs/serve/paging.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { addCourseState, addPeople, ask, errorOf, insertAll, startTestApi, uuid, walk } from './support.ts';

let analytics: TestDatabase;
let api: Api;

const flag = (severity: string, value: number, baseline: number | null, threshold: number, method = 'modified_z') => ({
  since: '2026-03-11',
  value,
  baseline,
  threshold,
  method,
  severity,
});
const NONE = { engagement_drop: null, inactivity: null, engagement_spike: null, grade_outlier: null };

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_anomalies');
  const { db } = analytics;
  await addPeople(db, 5, 3);
  await addCourseState(db, 1, '2026-03-20');
  await addCourseState(db, 2, '2026-03-20');
  await insertAll(db, 'anomaly_features', [
    // Medium: a gap of 30/20 = 1.5; a distance of 60/30 = 2, which is worse.
    { ...NONE, student_id: 1, course_id: 1, inactivity: flag('medium', 30, null, 20, 'own_gap') },
    { ...NONE, student_id: 2, course_id: 1, engagement_drop: flag('medium', 10, 70, 40) },
    // High, and two flags for one student.
    {
      ...NONE,
      student_id: 3,
      course_id: 2,
      engagement_spike: flag('high', 90, 50, 70),
      grade_outlier: { ...flag('low', 20, 50, 30, 'tukey'), item: 'Essay' },
      as_of_date: '2026-03-19',
    },
    { ...NONE, student_id: 4, course_id: 2 },
    // Tied with student 1.
    { ...NONE, student_id: 5, course_id: 1, inactivity: flag('medium', 30, 5, 20, 'own_gap') },
  ]);
  api = await startTestApi(db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

const ALL = ['3 engagement_spike', '2 engagement_drop', '1 inactivity', '5 inactivity', '3 grade_outlier'];
const named = (rows: readonly unknown[]): string[] =>
  anomaliesAnswer.parse(rows).map((row) => `${row.student_id} ${row.flag}`);

test('the most severe first, then the farthest beyond what is usual, then in order of student', async () => {
  const { status, body } = await ask(`${api.url}/api/anomalies`);
  expect(status).toBe(200);
  expect(named(body as unknown[])).toEqual(ALL);
  expect(anomaliesAnswer.parse(body).map((row) => row.times)).toEqual([2, 2, 1.5, 1.5, 1.5]);
  expect((body as unknown[])[0]).toEqual({
    student_id: 3,
    student_source_id: uuid('a', 3),
    course_id: 2,
    course_source_id: uuid('c', 2),
    flag: 'engagement_spike',
    since: '2026-03-11',
    value: 90,
    baseline: 50,
    threshold: 70,
    method: 'modified_z',
    severity: 'high',
    item: null,
    direction: null,
    times: 2,
    as_of_date: '2026-03-19',
    stale: true,
  });
  expect((body as unknown[])[4]).toMatchObject({ item: 'Essay', direction: null, stale: true });
  expect((body as unknown[])[2]).toMatchObject({ baseline: null, stale: false });
});

test('of one course, by either id; of one without flags none; of one never seen a 404', async () => {
  for (const id of ['2', uuid('c', 2).toUpperCase()]) {
    const { body } = await ask(`${api.url}/api/anomalies?course_id=${id}`);
    expect(named(body as unknown[])).toEqual(['3 engagement_spike', '3 grade_outlier']);
  }
  expect(await ask(`${api.url}/api/anomalies?course_id=3`)).toMatchObject({ status: 200, body: [] });
  const missing = await ask(`${api.url}/api/anomalies?course_id=77`);
  expect([missing.status, errorOf(missing).code]).toEqual([404, 'course_not_found']);
});

test.each([1, 2, 3, 5])('in pages of %i, each flag once', async (limit) => {
  const { rows, sizes } = await walk(api, `/api/anomalies?limit=${limit}`);
  expect(named(rows)).toEqual(ALL);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(limit);
});

test('in order of student, course and flag, in pages of any size', async () => {
  for (const limit of [1, 2, 3, 5]) {
    const { rows, links } = await walk(api, `/api/anomalies?order=student&limit=${limit}`);
    expect(named(rows)).toEqual(ALL.toSorted());
    expect(links.every((link) => link.startsWith(`/api/anomalies?order=student&limit=${limit}&cursor=`))).toBe(true);
  }
  const { body } = await ask(`${api.url}/api/anomalies?order=student&limit=1`);
  expect(body).toMatchObject([{ student_id: 1, flag: 'inactivity', times: 1.5, severity: 'medium' }]);
  const wrong = await ask(`${api.url}/api/anomalies?order=name`);
  expect([wrong.status, errorOf(wrong).message]).toEqual([400, 'order is "name": severity or student is expected']);
});

test('a cursor of one order is none of the other', async () => {
  for (const [given, asked] of [
    ['severity', 'student'],
    ['student', 'severity'],
  ]) {
    const { headers } = await ask(`${api.url}/api/anomalies?order=${given}&limit=1`);
    const cursor = /cursor=([\w-]+)/.exec(headers.get('link') ?? '')?.[1];
    expect((await ask(`${api.url}/api/anomalies?order=${given}&cursor=${cursor}`)).status).toBe(200);
    const answer = await ask(`${api.url}/api/anomalies?order=${asked}&cursor=${cursor}`);
    expect([answer.status, errorOf(answer).message]).toEqual([400, 'cursor is not one that this list has given']);
  }
});

test.each([
  ['another list’s cursor', encodeCursor([1, 2])],
  ['a number that is none', encodeCursor([1, 'NaN', 1, 1, 'inactivity'])],
  ['a flag that there is not', encodeCursor([1, '2', 1, 1, 'boredom'])],
])('%s is refused', async (_, cursor) => {
  const answer = await ask(`${api.url}/api/anomalies?cursor=${cursor}`);
  expect([answer.status, errorOf(answer).message]).toEqual([400, 'cursor is not one that this list has given']);
});
