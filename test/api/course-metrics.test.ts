import { afterAll, beforeAll, expect, test } from 'vitest';
import { COVERAGE_KINDS, NO_FIRST_DAYS } from '#libs/aggregate/coverage.ts';
import { parseDay } from '#libs/domain/local-date.ts';
import { courseMetricsAnswer } from '#libs/serve/course-metrics.ts';
import { coursesAnswer } from '#libs/serve/courses.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { addPeople, ask, errorOf, insert, insertAll, startTestApi, uuid, walk } from './support.ts';

const TODAY = '2026-03-20';
let analytics: TestDatabase;
let api: Api;
const metrics = (id: string) => ask(`${api.url}/api/metrics/course/${id}`);

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_course');
  const { db } = analytics;
  await addPeople(db, 9, 4);
  await insert(db, 'state.calendar', { today: TODAY });
  await insertAll(db, 'state.course', [
    {
      course_id: 1,
      version: 3,
      covered_from: [parseDay('2026-01-05'), null, parseDay('2026-02-01')],
      first_fact: parseDay('2026-01-05'),
      last_fact: parseDay('2026-03-18'),
      as_of: TODAY,
    },
    { course_id: 3, version: 0, covered_from: NO_FIRST_DAYS, first_fact: null, last_fact: null, as_of: TODAY },
  ]);
  // The course's own last fact may lag behind its keys'.
  await insertAll(db, 'state.key', [
    {
      family: 'engagement',
      student_id: 1,
      course_id: 1,
      first_fact: parseDay('2026-01-05'),
      last_fact: parseDay('2026-03-19'),
    },
  ]);
  const keyOf = (student_id: number) => ({
    student_id,
    course_id: 1,
    enrolled_at: null,
    engagement_score: null,
    days_inactive: 60,
  });
  await insertAll(db, 'engagement_features', [
    { ...keyOf(1), enrolled_at: '2026-01-01T08:00:00Z', engagement_score: 10 },
    { ...keyOf(2), enrolled_at: '2026-01-01T08:00:00Z', engagement_score: 20 },
    { ...keyOf(3), engagement_score: 30 },
    { ...keyOf(4), engagement_score: 40 },
    { ...keyOf(5), engagement_score: 100 },
    // Gone for so long that nobody should talk to him any more, though his attention is open.
    { ...keyOf(6), days_inactive: 61 },
    { ...keyOf(7) },
    { ...keyOf(8) },
  ]);
  await insertAll(db, 'performance_features', [
    { student_id: 1, course_id: 1, success_rate: 0 },
    { student_id: 9, course_id: 1, success_rate: 66.67 },
    { student_id: 2, course_id: 1, success_rate: null },
    { student_id: 1, course_id: 2, success_rate: 100 },
  ]);
  const flag = (severity: string) => ({
    since: TODAY,
    value: 9,
    baseline: 1,
    threshold: 7,
    method: 'own_gap',
    severity,
  });
  const none = {
    inactivity: null,
    grade_drop: null,
    attention: null,
    absent: null,
    missing_work: null,
    low_marks: null,
  };
  await insertAll(db, 'anomaly_features', [
    { ...none, student_id: 1, course_id: 1, inactivity: flag('low'), attention: flag('low'), absent: flag('high') },
    { ...none, student_id: 2, course_id: 1, inactivity: flag('high'), grade_drop: flag('medium') },
    { ...none, student_id: 3, course_id: 1 },
    // One reason that does not suffice, attention that continues with two points, and two reasons.
    { ...none, student_id: 4, course_id: 1, absent: flag('low') },
    { ...none, student_id: 5, course_id: 1, attention: flag('low'), low_marks: flag('medium') },
    { ...none, student_id: 6, course_id: 1, attention: flag('high'), absent: flag('high'), low_marks: flag('medium') },
    {
      ...none,
      student_id: 1,
      course_id: 2,
      inactivity: flag('high'),
      attention: flag('low'),
      missing_work: flag('high'),
    },
  ]);
  const enrolment = (row: number, student_id: number, date: string | null, live = true, course_id = 1) => ({
    id: uuid('e', row),
    epoch: 1,
    lsn: 1,
    live,
    student_id,
    course_id,
    enrolled_at: date === null ? null : Date.parse(date),
  });
  await insertAll(db, 'state.image_enrollments', [
    enrolment(1, 1, '2026-01-01T08:00:00Z'),
    enrolment(2, 1, null),
    enrolment(3, 2, '2026-01-01T08:00:00Z'),
    // Undated ones, the second in Moodle's form of "never", each several times.
    enrolment(4, 3, null),
    enrolment(5, 3, null),
    enrolment(6, 4, '1970-01-01T00:00:00Z'),
    enrolment(7, 4, '2026-09-01T00:00:00Z'),
    // In the future, deleted, of another course, and of a student without a row, who is excluded or not derived yet.
    enrolment(8, 5, '2026-09-01T00:00:00Z'),
    enrolment(9, 6, null, false),
    enrolment(10, 7, null, true, 2),
    enrolment(11, 9, null),
  ]);
  api = await startTestApi(db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

test('what the keys of a course add up to', async () => {
  const { status, body } = await metrics('1');
  expect(status).toBe(200);
  expect(courseMetricsAnswer.parse(body)).toEqual([
    {
      course_id: 1,
      course_source_id: uuid('c', 1),
      // Two by dated enrolments, two by undated ones.
      total_students: 4,
      avg_engagement: 40,
      avg_engagement_count: 5,
      avg_success_rate: 33.34,
      avg_success_rate_count: 2,
      quantiles: {
        engagement_score: { p10: 14, p25: 20, p50: 30, p75: 40, p90: 76 },
        // 6.667, 16.6675, 33.335, 50.0025, 60.003
        success_rate: { p10: 6.67, p25: 16.67, p50: 33.34, p75: 50, p90: 60 },
      },
      coverage: {
        login: '2026-01-05',
        view: null,
        forum_post: '2026-02-01',
        submission: null,
        completion_row: null,
        event: null,
        duration: null,
        not_done: null,
        course_event: null,
      },
      as_of_date: TODAY,
      first_fact: '2026-01-05',
      last_fact: '2026-03-19',
      attention: { students: 3, reasons: { absent: 3, missing_work: 0, low_marks: 2 } },
      // Student 2 has two, one of them high. A student with nothing but attention has none of these.
      anomalies: {
        students: 2,
        flags: { inactivity: { high: 1, medium: 0, low: 1 }, grade_drop: { high: 0, medium: 1, low: 0 } },
      },
    },
  ]);
});

test('a course of which nothing was derived yet is one row of zeros and nulls', async () => {
  for (const [id, source] of [
    ['3', uuid('c', 3)],
    [uuid('c', 4).toUpperCase(), uuid('c', 4)],
  ] as const) {
    const { status, body } = await metrics(id);
    expect(status).toBe(200);
    expect(courseMetricsAnswer.parse(body)).toEqual([
      {
        course_id: expect.any(Number),
        course_source_id: source,
        total_students: 0,
        avg_engagement: null,
        avg_engagement_count: 0,
        avg_success_rate: null,
        avg_success_rate_count: 0,
        quantiles: { engagement_score: null, success_rate: null },
        coverage: Object.fromEntries(COVERAGE_KINDS.map((kind) => [kind, null])),
        as_of_date: null,
        first_fact: null,
        last_fact: null,
        attention: { students: null, reasons: { absent: null, missing_work: null, low_marks: null } },
        anomalies: { students: 0, flags: {} },
      },
    ]);
  }
});

test('a course with grades alone', async () => {
  const { body } = await metrics('2');
  expect(body).toMatchObject([
    {
      total_students: 0,
      avg_engagement: null,
      avg_success_rate: 100,
      avg_success_rate_count: 1,
      quantiles: { engagement_score: null, success_rate: { p10: 100, p90: 100 } },
      as_of_date: null,
      attention: { students: 1, reasons: { absent: 0, missing_work: 1, low_marks: 0 } },
    },
  ]);
});

test('courses that have students, or that the source has, as a list in pages', async () => {
  const { db } = analytics;
  const course = (n: number, live: boolean) => ({ id: uuid('c', n), epoch: 1, lsn: 1, live });
  await insertAll(db, 'state.image_courses', [course(1, true), course(3, true), course(4, false)]);
  const { rows, sizes } = await walk(api, '/api/courses?limit=2');
  expect(sizes).toEqual([2, 1]);
  const [first, ...others] = coursesAnswer.parse(rows);
  const { body } = await metrics('1');
  expect(first).toEqual({
    course_id: 1,
    source_course_id: uuid('c', 1),
    title: null,
    students: 4,
    as_of: TODAY,
    collected: courseMetricsAnswer.parse(body)[0]?.coverage,
    averages: { engagement_score: 40, success_rate: 33.34 },
    open_flags: 3,
    attention: 2,
  });
  expect((await ask(`${api.url}/api/courses?course_id=1`)).body).toEqual([first]);
  expect((await ask(`${api.url}/api/courses?course_id=${uuid('c', 4)}`)).body).toEqual([]);
  expect((await ask(`${api.url}/api/courses?course_id=77`)).status).toBe(404);
  expect(others).toMatchObject([
    { course_id: 2, students: 0, as_of: null, averages: { engagement_score: null, success_rate: 100 }, attention: 1 },
    { course_id: 3, open_flags: 0, attention: null },
  ]);
});

test('what is known of nobody in a course is null, not 0', async () => {
  const { db } = analytics;
  const withUnsupported = async (names: string[]): Promise<unknown> => {
    const of = 'course_id = 1 AND student_id IN (2, 3)';
    await db.query(`UPDATE anomaly_features SET course_id = 4 WHERE course_id = 1 AND NOT (${of})`, []);
    try {
      await db.query(`UPDATE anomaly_features SET unsupported = $1 WHERE ${of}`, [names]);
      const [listed] = (await ask(`${api.url}/api/courses?limit=1`)).body as { attention: number | null }[];
      const [course] = courseMetricsAnswer.parse((await metrics('1')).body);
      return { listed: listed?.attention, ...course?.attention };
    } finally {
      await db.query(`UPDATE anomaly_features SET unsupported = '{}' WHERE ${of}`, []);
      await db.query('UPDATE anomaly_features SET course_id = 1 WHERE course_id = 4', []);
    }
  };
  const nothing = { listed: null, students: null, reasons: { absent: null, missing_work: null, low_marks: null } };
  expect(await withUnsupported(['attention', 'absent', 'missing_work', 'low_marks'])).toEqual(nothing);
  // A class that comes every third week, in a course without work or marks: no reason could ever open the alarm.
  expect(await withUnsupported(['absent', 'missing_work', 'low_marks'])).toEqual(nothing);
  expect(await withUnsupported(['missing_work'])).toEqual({
    listed: 0,
    students: 0,
    reasons: { absent: 0, missing_work: null, low_marks: 0 },
  });
});

test('a course never seen is a 404, and a student is no course', async () => {
  for (const id of ['99', '0', '2147483648', uuid('c', 99), uuid('a', 1)]) {
    const answer = await metrics(id);
    expect(answer.status).toBe(404);
    expect(errorOf(answer)).toEqual({
      code: 'course_not_found',
      message: `there is no course ${id}`,
      hint: expect.stringMatching(/GET \/api\/courses lists/),
    });
  }
});

test.each([
  ['maths', 'id is "maths": an integer or a UUID is expected'],
  ['1?limit=3', 'there is no parameter "limit" here'],
])('GET /api/metrics/course/%s is refused by name', async (path, message) => {
  const answer = await metrics(path);
  expect(answer.status).toBe(400);
  expect(errorOf(answer).message).toBe(message);
});

test('before the calendar begins, undated enrolments still count', async () => {
  const { db } = analytics;
  await db.query('DELETE FROM state.calendar');
  try {
    expect((await metrics('1')).body).toMatchObject([{ total_students: 3 }]);
  } finally {
    await insert(db, 'state.calendar', { today: TODAY });
  }
});
