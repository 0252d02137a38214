import { afterAll, beforeAll, expect, test } from 'vitest';
import { studentMetricsAnswer } from '#libs/serve/student-metrics.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { addCourseState, addPeople, ask, errorOf, insert, startTestApi, uuid } from './support.ts';

const part = { value: 1, target: 5, weight: 0.3, covered: true };
const COMPONENTS = { logins: part, time: part, forum_posts: part, resources: { ...part, value: null, covered: false } };

let analytics: TestDatabase;
let api: Api;
const metrics = (id: string) => ask(`${api.url}/api/metrics/student/${id}`);

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_metrics');
  const { db } = analytics;
  await addPeople(db, 4, 3);
  await addCourseState(db, 1, '2026-03-20');
  await addCourseState(db, 2, '2026-03-20');
  await insert(db, 'engagement_features', {
    student_id: 1,
    course_id: 1,
    enrolled_at: '2025-09-01T08:00:00.123456+02:00',
    events_count: 0,
    login_count: 12,
    engagement_score: 83.5,
    engagement_components: COMPONENTS,
    source_position: '1:0/3',
    source_committed_at: '2026-03-20T07:59:59.9Z',
  });
  await insert(db, 'performance_features', { student_id: 1, course_id: 1, avg_grade: 61.25, graded_items: 2 });
  await insert(db, 'engagement_features', { student_id: 1, course_id: 2, as_of_date: '2026-03-20' });
  await insert(db, 'performance_features', {
    student_id: 1,
    course_id: 2,
    graded_items: 0,
    as_of_date: '2026-03-19',
  });
  await insert(db, 'performance_features', { student_id: 3, course_id: 3, latest_grade: 0, graded_items: 1 });
  api = await startTestApi(db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

test('every column of the view, numbers as numbers, times in UTC, unknown as null', async () => {
  const { status, body } = await metrics('1');
  expect(status).toBe(200);
  const rows = studentMetricsAnswer.parse(body);
  expect(rows.map((row) => row.course_id)).toEqual([1, 2]);
  expect(rows[0]).toMatchObject({
    student_id: 1,
    student_source_id: uuid('a', 1),
    course_id: 1,
    course_source_id: uuid('c', 1),
    stale: false,
    enrolled_at: '2025-09-01T06:00:00.123Z',
    events_count: 0,
    active_days_count: null,
    login_count: 12,
    login_count_7d: null,
    active_days_7d: null,
    active_days_30d: null,
    last_activity_at: null,
    days_inactive: null,
    engagement_score: 83.5,
    engagement_components: COMPONENTS,
    avg_grade: 61.25,
    latest_grade: null,
    graded_items: 2,
    engagement_as_of_date: '2026-03-20',
    performance_as_of_date: '2026-03-20',
    as_of_date: '2026-03-20',
    engagement_source_position: '1:0/3',
    performance_source_position: null,
    source_committed_at: '2026-03-20T07:59:59.900Z',
    updated_at: '2026-03-20T08:00:00.500Z',
    feature_version: 1,
  });
});

test('a row is stale while one of its families speaks for an earlier day than the course', async () => {
  const { body } = await metrics('1');
  expect(body).toMatchObject([
    { course_id: 1, stale: false },
    { course_id: 2, stale: true, engagement_as_of_date: '2026-03-20', performance_as_of_date: '2026-03-19' },
  ]);
});

test('a student with one family has null in the other, and a course without as-of makes nobody stale', async () => {
  const { body } = await metrics('3');
  expect(body).toMatchObject([
    {
      course_id: 3,
      stale: false,
      engagement_score: null,
      engagement_as_of_date: null,
      latest_grade: 0,
      avg_grade: null,
    },
  ]);
});

test('the schema in libs/serve/student-metrics.ts describes every column of the view', async () => {
  const columns = await analytics.db.query<{ name: string }>(
    `SELECT attname::text AS name FROM pg_attribute WHERE attrelid = 'student_metrics'::regclass AND attnum > 0`,
  );
  const described = Object.keys(studentMetricsAnswer.element.shape);
  expect(columns.map((column) => column.name).filter((name) => !described.includes(name))).toEqual([]);
});

test('a column that a later migration adds is served by connections that are open already', async () => {
  const { db } = analytics;
  await metrics('1');
  await db.query(`CREATE OR REPLACE VIEW later AS SELECT *, '2026-03-20T09:00:00+02'::timestamptz AS added_at, 1.50::numeric AS added
    FROM student_metrics; ALTER VIEW student_metrics RENAME TO earlier; ALTER VIEW later RENAME TO student_metrics`);
  try {
    for (let i = 0; i < 20; i += 1) {
      const { status, body } = await metrics('1');
      expect(status).toBe(200);
      expect(body).toMatchObject([{ added_at: '2026-03-20T07:00:00.000Z', added: 1.5 }, { course_id: 2 }]);
    }
  } finally {
    await db.query('ALTER VIEW student_metrics RENAME TO later; ALTER VIEW earlier RENAME TO student_metrics');
  }
});

test('a student is found by the UUID of the source, in either case', async () => {
  const byInteger = await metrics('1');
  expect(byInteger.body).toEqual((await metrics(uuid('a', 1))).body);
  expect(byInteger.body).toEqual((await metrics(uuid('a', 1).toUpperCase())).body);
});

test('a known student without features is an empty list, an id never seen a 404', async () => {
  expect(await metrics('2')).toMatchObject({ status: 200, body: [] });
  for (const id of ['99', '0', '2147483648', '99999999999999999999', uuid('a', 99), uuid('c', 1)]) {
    const answer = await metrics(id);
    expect(answer.status).toBe(404);
    expect(errorOf(answer)).toMatchObject({ code: 'student_not_found', message: `there is no student ${id}` });
  }
});

test('an id that is neither an integer nor a UUID is refused by name', async () => {
  for (const id of ['-1', '1.5', '1e3', 'one', `${uuid('a', 1)}0`, '%E0%A4%A', "1'--", '%00', '9'.repeat(2000)]) {
    const answer = await metrics(id);
    expect(answer.status).toBe(400);
    expect(errorOf(answer)).toMatchObject({
      code: 'invalid_parameter',
      message: expect.stringMatching(/^id is ".{1,80}/),
    });
  }
});

test('a parameter that does not exist is refused', async () => {
  const answer = await metrics('1?course_id=1');
  expect(answer.status).toBe(400);
  expect(errorOf(answer)).toEqual({
    code: 'unknown_parameter',
    message: 'there is no parameter "course_id" here',
    hint: 'this route takes no parameters',
  });
});

test('one student is read by the keys of the tables, not by joining them whole', async () => {
  const [row] = await analytics.db.transaction(async (tx) => {
    await tx.query('SET LOCAL enable_seqscan = off');
    await tx.query('SET LOCAL enable_bitmapscan = off');
    return tx.query<{ 'QUERY PLAN': object[] }>(
      'EXPLAIN (FORMAT JSON) SELECT * FROM student_metrics WHERE student_id = 1',
    );
  });
  expect(JSON.stringify(row)).toMatch(/Index Cond":"\(student_id = 1\)"/);
});
