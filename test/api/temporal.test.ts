import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FLAG_NAMES } from '#libs/domain/flags.ts';
import { formatDay, parseDay } from '#libs/domain/local-date.ts';
import { temporalAnswer } from '#libs/serve/temporal.ts';
import { trajectoryAnswer } from '#libs/serve/trajectory.ts';
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
const temporal = (path: string) => ask(`${api.url}/api/features/temporal/${path}`);
const rowsOf = async (path: string) => temporalAnswer.parse((await temporal(path)).body);
const trajectory = (path: string) => ask(`${api.url}/api/trajectory/${path}`);
const pointsOf = async (path: string) => trajectoryAnswer.parse((await trajectory(path)).body);

const daysFrom = (first: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => formatDay(parseDay(first) + n));

/** Events of student 2 by day, from Saturday 14 February 2026 on; 35 days, so that the last window leaves 5 out. */
const EVENTS = daysFrom('2026-02-14', 35).map(
  (day) => ({ '2026-02-14': 100, '2026-02-18': 5, '2026-02-19': 1, '2026-03-02': 1, '2026-03-20': 1 })[day] ?? 0,
);

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_temporal');
  const { db } = analytics;
  await addPeople(db, 5, 3);
  await addCourseState(db, 1, '2026-03-20');
  await addCourseState(db, 2, '2026-03-18');
  // Student 1, course 1: the grades begin two days before the engagement.
  await addEngagementSeries(
    db,
    { student_id: 1, course_id: 1 },
    {
      first_day: '2026-03-18',
      score: [0, 10_000, null],
      ma7: [0, 5_000, 5_025],
      ma30: [0, 5_000, 1],
      trend: [null, 0, -2_500_001],
      events: [0, 2, 1],
    },
  );
  await insert(db, 'state.performance_series', {
    student_id: 1,
    course_id: 1,
    first_day: '2026-03-16',
    ma7: [6_000, null, 6_001, 0, 10_000],
    ma30: [6_000, 6_000, 6_001, 3_000, 5_333],
  });
  // One day here is in none of the others, and the last is not derived yet.
  await insert(db, 'state.anomaly_series', {
    student_id: 1,
    course_id: 1,
    first_day: '2026-03-15',
    flags: [4095, 0, 64, 4095, 129],
  });
  // Course 2: the engagement begins first, and its series is longer than the grades'.
  await addEngagementSeries(
    db,
    { student_id: 1, course_id: 2 },
    { first_day: '2026-03-15', score: [100, 200, 300, 400] },
  );
  await insert(db, 'state.performance_series', {
    student_id: 1,
    course_id: 2,
    first_day: '2026-03-17',
    ma7: [7_000],
    ma30: [7_100],
  });
  await addEngagementSeries(
    db,
    { student_id: 2, course_id: 1 },
    { first_day: '2026-02-14', score: EVENTS, events: EVENTS },
  );
  // Grades only.
  await insert(db, 'state.performance_series', {
    student_id: 3,
    course_id: 1,
    first_day: '2026-03-20',
    ma7: [null],
    ma30: [4_200],
  });
  api = await startTestApi(db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

const NOTHING = {
  engagement_score_day: null,
  engagement_ma7: null,
  engagement_ma30: null,
  engagement_trend: null,
  activity_pattern: null,
};
const ALL_FLAGS = FLAG_NAMES.toSorted();
const WEEK = { Monday: 0, Tuesday: 0, Wednesday: 0, Thursday: 0, Friday: 0, Saturday: 0, Sunday: 0 };

describe('the days of a student', () => {
  test('newest first, each family on its own days, whichever begins first', async () => {
    const key = { student_id: 1, course_id: 1 };
    expect(await rowsOf('1?course_id=1')).toEqual([
      {
        ...key,
        feature_date: '2026-03-20',
        engagement_score_day: null,
        engagement_ma7: 50.25,
        engagement_ma30: 0.01,
        engagement_trend: -2.500001,
        grade_ma7: 100,
        grade_ma30: 53.33,
        activity_pattern: { ...WEEK, Thursday: 0.6667, Friday: 0.3333 },
        anomaly_flags: null,
      },
      {
        ...key,
        feature_date: '2026-03-19',
        engagement_score_day: 100,
        engagement_ma7: 50,
        engagement_ma30: 50,
        engagement_trend: 0,
        grade_ma7: 0,
        grade_ma30: 30,
        activity_pattern: { ...WEEK, Thursday: 1 },
        anomaly_flags: ['engagement_drop'],
      },
      {
        ...key,
        feature_date: '2026-03-18',
        engagement_score_day: 0,
        engagement_ma7: 0,
        engagement_ma30: 0,
        engagement_trend: null,
        grade_ma7: 60.01,
        grade_ma30: 60.01,
        activity_pattern: null,
        anomaly_flags: ALL_FLAGS,
      },
      {
        ...key,
        feature_date: '2026-03-17',
        ...NOTHING,
        grade_ma7: null,
        grade_ma30: 60,
        anomaly_flags: ['inactivity'],
      },
      { ...key, feature_date: '2026-03-16', ...NOTHING, grade_ma7: 60, grade_ma30: 60, anomaly_flags: [] },
    ]);
    expect(
      (await rowsOf('1?course_id=2')).map((row) => [row.feature_date, row.engagement_score_day, row.grade_ma7]),
    ).toEqual([
      ['2026-03-18', 4, null],
      ['2026-03-17', 3, 70],
      ['2026-03-16', 2, null],
      ['2026-03-15', 1, null],
    ]);
  });

  test('courses of one day in order of course_id', async () => {
    const rows = await rowsOf(uuid('a', 1).toUpperCase());
    expect(rows.map((row) => [row.feature_date, row.course_id])).toEqual([
      ['2026-03-20', 1],
      ['2026-03-19', 1],
      ['2026-03-18', 1],
      ['2026-03-18', 2],
      ['2026-03-17', 1],
      ['2026-03-17', 2],
      ['2026-03-16', 1],
      ['2026-03-16', 2],
      ['2026-03-15', 2],
    ]);
  });

  test('the pattern of a day counts the 30 days that end on it, and no other', async () => {
    const rows = await rowsOf('2?limit=1000');
    expect(rows).toHaveLength(35);
    const patternOf = (day: string) => rows.find((row) => row.feature_date === day)?.activity_pattern;
    // 19 February (Thursday), 2 March (Monday) and 20 March (Friday), one each.
    expect(patternOf('2026-03-20')).toEqual({ ...WEEK, Monday: 0.3333, Thursday: 0.3333, Friday: 0.3333 });
    // With 18 February (Wednesday, 5), without 20 March: 5, 1 and 1 of 7.
    expect(patternOf('2026-03-19')).toEqual({ ...WEEK, Monday: 0.1429, Wednesday: 0.7143, Thursday: 0.1429 });
    // The first window that leaves 14 February (Saturday, 100) out, and the last that holds it.
    expect(patternOf('2026-03-16')).toEqual({ ...WEEK, Monday: 0.1429, Wednesday: 0.7143, Thursday: 0.1429 });
    expect(patternOf('2026-03-15')).toEqual({
      ...WEEK,
      Monday: 0.0093,
      Wednesday: 0.0467,
      Thursday: 0.0093,
      Saturday: 0.9346,
    });
    expect(patternOf('2026-02-14')).toEqual({ ...WEEK, Saturday: 1 });
  });

  test('grades alone, and a known student without rows', async () => {
    expect(await rowsOf('3')).toEqual([
      {
        student_id: 3,
        course_id: 1,
        feature_date: '2026-03-20',
        ...NOTHING,
        grade_ma7: null,
        grade_ma30: 42,
        anomaly_flags: null,
      },
    ]);
    expect(await temporal('4')).toMatchObject({ status: 200, body: [] });
    expect(await temporal('1?course_id=3')).toMatchObject({ status: 200, body: [] });
  });

  test('from and to are whole days, both included', async () => {
    const daysOf = async (query: string) => (await rowsOf(`1?course_id=1&${query}`)).map((row) => row.feature_date);
    expect(await daysOf('from=2026-03-19')).toEqual(['2026-03-20', '2026-03-19']);
    expect(await daysOf('to=2026-03-17')).toEqual(['2026-03-17', '2026-03-16']);
    expect(await daysOf('from=2026-03-18&to=2026-03-18')).toEqual(['2026-03-18']);
    expect(await daysOf('from=0001-01-01&to=9999-12-31')).toHaveLength(5);
    expect(await daysOf('from=2026-03-21')).toEqual([]);
  });

  test.each([1, 2, 4, 9, 10])('pages of %i visit each row exactly once, in order', async (limit) => {
    const whole = await rowsOf('1');
    const { rows, sizes } = await walk(api, `/api/features/temporal/1?limit=${limit}`);
    expect(rows).toEqual(whole);
    expect(sizes).toHaveLength(Math.ceil(9 / limit));
    const part = await walk(api, `/api/features/temporal/1?from=2026-03-16&to=2026-03-18&limit=${limit}`);
    expect(part.rows).toEqual(
      whole.filter((row) => row.feature_date >= '2026-03-16' && row.feature_date <= '2026-03-18'),
    );
  });

  test('who or what was never seen is a 404', async () => {
    for (const [path, code] of [
      ['99', 'student_not_found'],
      [uuid('c', 1), 'student_not_found'],
      ['1?course_id=99', 'course_not_found'],
    ] as const) {
      const answer = await temporal(path);
      expect(answer.status).toBe(404);
      expect(errorOf(answer).code).toBe(code);
    }
  });

  test.each([
    ['one', 'student_id is "one": an integer or a UUID is expected'],
    ['1?from=yesterday', 'from is "yesterday": a day, YYYY-MM-DD, is expected'],
    ['1?from=2026-02-29', 'from is "2026-02-29": a day, YYYY-MM-DD, is expected'],
    ['1?from=2026-3-1', 'from is "2026-3-1": a day, YYYY-MM-DD, is expected'],
    ['1?from=0000-01-01', 'from is "0000-01-01": a day, YYYY-MM-DD, is expected'],
    ['1?from=', 'from is "": a day, YYYY-MM-DD, is expected'],
    ['1?to=2026-13-01', 'to is "2026-13-01": a day, YYYY-MM-DD, is expected'],
    ['1?to=2026-03-01T00:00', 'to is "2026-03-01T00:00": a day, YYYY-MM-DD, is expected'],
    ['1?to=2026-03-01&to=2026-03-02', 'to is given 2 times: a day, YYYY-MM-DD, is expected, once'],
    ['1?from=2026-03-02&to=2026-03-01', 'from is "2026-03-02": a day that is not after to is expected'],
    ['1?course_id=x', 'course_id is "x": an integer or a UUID is expected'],
    ['1?limit=50001', 'limit is "50001": a whole number from 1 to 50000 is expected'],
    ['1?cursor=x', 'cursor is not one that this list has given'],
    [`1?cursor=${Buffer.from('["2026-03-99",1]').toString('base64url')}`, 'cursor is not one that this list has given'],
  ])('GET /api/features/temporal/%s is refused by name', async (path, message) => {
    const answer = await temporal(path);
    expect(answer.status).toBe(400);
    expect(errorOf(answer)).toMatchObject({ code: 'invalid_parameter', message });
  });

  test('an unknown parameter is refused', async () => {
    expect(errorOf(await temporal('1?days=3')).hint).toBe(
      'the parameters of this route are from, to, course_id, limit, cursor',
    );
  });
});

describe('the trajectory of a student', () => {
  test('oldest first, one point a day and course, null where nothing is known', async () => {
    expect(await pointsOf('1')).toEqual([
      { x: '2026-03-15', y: null, course_id: 2, engagement_score_day: 1, grade_ma30: null },
      { x: '2026-03-16', y: null, course_id: 1, engagement_score_day: null, grade_ma30: 60 },
      { x: '2026-03-16', y: null, course_id: 2, engagement_score_day: 2, grade_ma30: null },
      { x: '2026-03-17', y: null, course_id: 1, engagement_score_day: null, grade_ma30: 60 },
      { x: '2026-03-17', y: null, course_id: 2, engagement_score_day: 3, grade_ma30: 71 },
      { x: '2026-03-18', y: 0, course_id: 1, engagement_score_day: 0, grade_ma30: 60.01 },
      { x: '2026-03-18', y: null, course_id: 2, engagement_score_day: 4, grade_ma30: null },
      { x: '2026-03-19', y: 50, course_id: 1, engagement_score_day: 100, grade_ma30: 30 },
      { x: '2026-03-20', y: 50.25, course_id: 1, engagement_score_day: null, grade_ma30: 53.33 },
    ]);
  });

  test('the last days are those of each course, not of the calendar', async () => {
    const daysOf = async (path: string) => (await pointsOf(path)).map((point) => [point.x, point.course_id]);
    expect(await daysOf('1?days=1')).toEqual([
      ['2026-03-18', 2],
      ['2026-03-20', 1],
    ]);
    expect(await daysOf(`1?days=2&course_id=${uuid('c', 2)}`)).toEqual([
      ['2026-03-17', 2],
      ['2026-03-18', 2],
    ]);
    expect(await daysOf('2')).toHaveLength(35);
    expect(await daysOf('2?days=30')).toHaveLength(30);
  });

  test('days that a course no longer speaks for are left out', async () => {
    await analytics.db.query("UPDATE state.course SET as_of = '2026-03-19' WHERE course_id = 1");
    try {
      expect((await pointsOf('1?course_id=1&days=2')).map((point) => point.x)).toEqual(['2026-03-18', '2026-03-19']);
    } finally {
      await analytics.db.query("UPDATE state.course SET as_of = '2026-03-20' WHERE course_id = 1");
    }
  });

  test('a known student without rows is an empty list, who or what was never seen a 404', async () => {
    expect(await trajectory('4')).toMatchObject({ status: 200, body: [] });
    expect(await trajectory('1?course_id=3')).toMatchObject({ status: 200, body: [] });
    expect(errorOf(await trajectory('99'))).toMatchObject({ code: 'student_not_found' });
    expect(errorOf(await trajectory('1?course_id=99'))).toMatchObject({ code: 'course_not_found' });
    expect((await trajectory('99')).status).toBe(404);
  });

  test.each([
    ['one', 'id is "one": an integer or a UUID is expected'],
    ['1?days=0', 'days is "0": a whole number from 1 to 366 is expected'],
    ['1?days=367', 'days is "367": a whole number from 1 to 366 is expected'],
    ['1?days=1.5', 'days is "1.5": a whole number from 1 to 366 is expected'],
    ['1?course_id=x', 'course_id is "x": an integer or a UUID is expected'],
    ['1?limit=3', 'there is no parameter "limit" here'],
  ])('GET /api/trajectory/%s is refused by name', async (path, message) => {
    const answer = await trajectory(path);
    expect(answer.status).toBe(400);
    expect(errorOf(answer).message).toBe(message);
  });
});
