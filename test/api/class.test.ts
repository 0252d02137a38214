import { afterAll, beforeAll, expect, test } from 'vitest';
import { classDaysAnswer } from '#libs/serve/class-days.ts';
import { classStudentsAnswer } from '#libs/serve/class-students.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { addCourseState, addPeople, ask, errorOf, insertAll, startTestApi, uuid, walk } from './support.ts';

let analytics: TestDatabase;
let api: Api;

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_class');
  const { db } = analytics;
  await addPeople(db, 4, 2);
  for (const course of [1, 2]) await addCourseState(db, course, '2026-03-20');
  await insertAll(db, 'engagement_features', [
    { student_id: 1, course_id: 1, engagement_score: 62.5, days_inactive: 3, active_days_30d: 9 },
    { student_id: 2, course_id: 1, engagement_score: null, days_inactive: null, active_days_30d: null },
    { student_id: 4, course_id: 2, engagement_score: 10, days_inactive: 0, active_days_30d: 1 },
  ]);
  await insertAll(db, 'performance_features', [{ student_id: 3, course_id: 1, avg_grade: 71.25, success_rate: 80 }]);
  const flag = { since: '2026-03-18', value: 9, baseline: 2, threshold: 7, method: 'own_gap', severity: 'low' };
  await insertAll(db, 'anomaly_features', [{ student_id: 1, course_id: 1, inactivity: flag }]);
  const series = (
    student_id: number,
    first_day: string,
    ma7: readonly (number | null)[],
    events: readonly number[],
    active: readonly number[],
  ) => ({
    student_id,
    course_id: 1,
    first_day,
    score: ma7.map(() => 0),
    ma7,
    ma30: ma7.map(() => 0),
    trend: ma7.map(() => 0),
    events,
    active,
  });
  await insertAll(db, 'state.engagement_series', [
    series(1, '2026-03-18', [1000, 2000, 3000], [0, 1, 2], [0, 1, 1]),
    series(2, '2026-03-19', [4000, null], [1, 0], [1, 1]),
  ]);
  await insertAll(db, 'state.performance_series', [
    { student_id: 1, course_id: 1, first_day: '2026-03-20', ma7: [7000], ma30: [6000] },
    { student_id: 3, course_id: 1, first_day: '2026-03-20', ma7: [7000], ma30: [8000] },
  ]);
  api = await startTestApi(db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

test('the students of a course, each with what is known of one; what is not known is null, in pages of any size', async () => {
  const { rows, sizes } = await walk(api, '/api/metrics/course/1/students?limit=2');
  expect(sizes).toEqual([2, 1]);
  const [first, second, third] = classStudentsAnswer.parse(rows);
  expect(first).toEqual({
    student_id: 1,
    student_source_id: uuid('a', 1),
    as_of: '2026-03-20',
    engagement_score: 62.5,
    days_inactive: 3,
    active_days_30d: 9,
    avg_grade: null,
    success_rate: null,
    attention: null,
    flags: ['inactivity'],
    engagement_ma7: [10, 20, 30],
  });
  expect(second).toMatchObject({ student_id: 2, engagement_score: null, flags: [], engagement_ma7: [40, null] });
  expect(third).toMatchObject({ student_id: 3, engagement_score: null, avg_grade: 71.25, engagement_ma7: [] });
});

test('the days of a course: who was active, and where the quarters lie among those who have a value', async () => {
  const { body } = await ask(`${api.url}/api/metrics/course/${uuid('c', 1)}/days?days=2`);
  expect(classDaysAnswer.parse(body)).toEqual([
    {
      feature_date: '2026-03-19',
      students: 2,
      active: 2,
      engagement_ma7: { p25: 25, p50: 30, p75: 35 },
      grade_ma30: null,
    },
    {
      feature_date: '2026-03-20',
      students: 3,
      // One of them only by a completion.
      active: 2,
      engagement_ma7: { p25: 30, p50: 30, p75: 30 },
      grade_ma30: { p25: 65, p50: 70, p75: 75 },
    },
  ]);
});

test('a course without students has none, and one that was never seen is not found', async () => {
  expect((await ask(`${api.url}/api/metrics/course/2/days`)).body).toEqual([]);
  for (const what of ['students', 'days', 'work']) {
    const answer = await ask(`${api.url}/api/metrics/course/9/${what}`);
    expect([answer.status, errorOf(answer).code]).toEqual([404, 'course_not_found']);
  }
  expect((await ask(`${api.url}/api/metrics/course/1/days?days=0`)).status).toBe(400);
});
