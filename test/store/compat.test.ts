import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { courseAsOf, DAYS_AFTER_LAST_FACT } from '#libs/families/course-as-of.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { addPeople, insertAll } from '../api/support.ts';
import { PATH_PREDICTOR, readAs, STUDENT_PROFILER } from '../contract/readers.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { COURSES, ENGAGEMENT, KEYS, MANY, PERFORMANCE, TODAY } from './compat-rows.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('compat');
  const { db } = analytics;
  await addPeople(db, 26, COURSES);
  await beginCalendar(db, TODAY);
  await insertAll(db, 'state.key', KEYS);
  await insertAll(db, 'engagement_features', ENGAGEMENT);
  await insertAll(db, 'performance_features', PERFORMANCE);
  const withDays = ENGAGEMENT.filter((row) => row.engagement_ma30 !== null || [17, 18].includes(row.student_id));
  const nothing = { first_day: '2026-03-01', score: [], ma7: [], ma30: [], trend: [], events: [] };
  await insertAll(
    db,
    'state.engagement_series',
    withDays.map(({ student_id, course_id }) => ({ student_id, course_id, ...nothing })),
  );
  await insertAll(db, 'state.performance_series', [
    { student_id: 22, course_id: 53, first_day: '2026-03-01', ma7: [], ma30: [] },
  ]);
});
afterAll(() => analytics.drop());

interface Metrics extends Record<string, unknown> {
  readonly student_id: number;
  readonly imputed: readonly string[];
}
const metricsOf = (where: string): Promise<Metrics[]> =>
  analytics.db.query(`SELECT * FROM compat.student_metrics WHERE ${where} ORDER BY student_id, course_id`);
const latestOf = (student: number): Promise<object[]> =>
  analytics.db.query('SELECT * FROM compat.temporal_features WHERE student_id = $1', [student]);

const MEASURED = [
  'engagement_score',
  'success_rate',
  'punctuality_score',
  'login_frequency',
  'forum_participation',
  'time_spent_ratio',
  'absence_days_last_30',
  'assignment_completion_rate',
  'previous_module_grade',
];
const but = (...known: string[]): string[] => MEASURED.filter((name) => !known.includes(name));

test('a course has stopped once its features stand still, by the same count of days', async () => {
  const spans = await analytics.db.query<{ last_fact: number | null; stopped: boolean | null }>(
    'SELECT last_fact, stopped FROM state.course_span',
  );
  const lastFacts = spans.map((span) => span.last_fact);
  expect(lastFacts).toEqual(expect.arrayContaining([TODAY - DAYS_AFTER_LAST_FACT, TODAY - DAYS_AFTER_LAST_FACT - 1]));
  for (const { last_fact, stopped } of spans) expect(stopped === true).toBe(courseAsOf(last_fact, TODAY) < TODAY);
});

describe('compat.student_metrics', () => {
  test('a course worked by hand', async () => {
    const rows = await metricsOf('course_id = 1');
    // Third quartile of 0, 2, 4, 9 at position 2.25: 5.25 posts. Median of 600, 1200, 3000, 100000: 2100 s.
    expect(rows.map((row) => row['forum_participation'])).toEqual(['0.00', '38.10', '76.19', '100.00', '57.15']);
    expect(rows.map((row) => row['time_spent_ratio'])).toEqual(['0.29', '0.57', '1.43', '9.99', '1.00']);
    expect(rows[0]).toEqual({
      student_id: 1,
      course_id: 1,
      module_id: 1,
      engagement_score: '10.00',
      success_rate: '33.33',
      // Nobody in the course has one.
      punctuality_score: '50.00',
      login_frequency: '0.00',
      forum_participation: '0.00',
      time_spent_ratio: '0.29',
      absence_days_last_30: 3,
      assignment_completion_rate: '50.00',
      previous_module_grade: '50.00',
      passed: true,
      imputed: ['punctuality_score', 'assignment_completion_rate', 'previous_module_grade'],
    });
  });

  test('who has no engagement row gets the medians of the course, rounded half away from zero', async () => {
    const [row] = await metricsOf('student_id = 5');
    expect(row).toMatchObject({
      engagement_score: '20.02', // of 10, 20.01, 20.02, 90: 20.015, which is 20.01 in binary
      login_frequency: '1.88', // 1.875
      forum_participation: '57.15', // of 0, 38.10, 76.19, 100: 57.145
      time_spent_ratio: '1.00', // of 0.29, 0.57, 1.43, 9.99
      absence_days_last_30: 7, // 6.5
      success_rate: '66.68',
      passed: false,
      imputed: but('success_rate'),
    });
    // Median of 33.33 and 66.68: 50.005.
    const others = await metricsOf('course_id = 1 AND student_id BETWEEN 2 AND 4');
    expect(others.map((other) => other['success_rate'])).toEqual(['50.01', '50.01', '50.01']);
    expect(others.map((other) => other['passed'])).toEqual([null, null, null]);
  });

  test('a course with one student is measured by that student', async () => {
    expect(await metricsOf('course_id = 2')).toMatchObject([
      { forum_participation: '100.00', time_spent_ratio: '1.00', absence_days_last_30: 1, engagement_score: '55.50' },
    ]);
    // A quartile or median of 0 measures nothing.
    expect(await metricsOf('course_id = 3')).toMatchObject([
      {
        engagement_score: '0.00',
        forum_participation: '50.00',
        time_spent_ratio: '0.00',
        imputed: but('engagement_score', 'login_frequency', 'absence_days_last_30'),
      },
    ]);
  });

  test('where all is unknown all is imputed: 0 for counts and the ratio, 50 for scores; passed stays null', async () => {
    const nothing = {
      course_id: 4,
      module_id: 4,
      engagement_score: '50.00',
      success_rate: '50.00',
      punctuality_score: '50.00',
      login_frequency: '0.00',
      forum_participation: '50.00',
      time_spent_ratio: '0.00',
      absence_days_last_30: 0,
      assignment_completion_rate: '50.00',
      previous_module_grade: '50.00',
      passed: null,
      imputed: MEASURED,
    };
    expect(await metricsOf('course_id = 4')).toEqual([
      { student_id: 8, ...nothing },
      { student_id: 9, ...nothing },
    ]);
  });

  test('ties', async () => {
    const rows = await metricsOf('course_id = 5');
    // Position 2.25 of 0, 3, 3, 3. The median time of 0, 0, 0, 500 is 0.
    expect(rows.map((row) => row['forum_participation'])).toEqual(['100.00', '100.00', '100.00', '0.00']);
    expect(rows.map((row) => row['time_spent_ratio'])).toEqual(['0.00', '0.00', '0.00', '0.00']);
    for (const row of rows) expect(row.imputed).toContain('time_spent_ratio');
  });

  test('the previous module is the one that was over before this one began, the last of them to end', async () => {
    const rows = await metricsOf('student_id = 15');
    const known = rows.filter((row) => !row.imputed.includes('previous_module_grade'));
    // 47 and 48 ended on the same day, 46 before them; 48 has the greater id. The beginning of 50 is unknown.
    expect(known).toMatchObject([{ course_id: 49, previous_module_grade: '40.00' }]);
    // 51 began a day before 49 and ran beside it, 52 ended on the day on which 49 began: only 46 was over.
    expect(await metricsOf('student_id = 16 AND course_id = 49')).toMatchObject([
      { previous_module_grade: '70.00', imputed: but('previous_module_grade') },
    ]);
    // If the last module has no grade, the course median is given, not the grade of an earlier module.
    expect(await metricsOf('student_id = 23 AND course_id = 49')).toMatchObject([
      { previous_module_grade: '55.00', imputed: MEASURED },
    ]);
  });

  test('passed is known once the course has stopped, on the seventh day after its last fact', async () => {
    const passed = async (where: string) => (await metricsOf(where)).map((row) => row['passed']);
    expect(await passed('course_id = 1')).toEqual([true, null, null, null, false]);
    expect(await passed('student_id = 16 AND course_id = 51')).toEqual([true]);
    // The sixth day; a running course; a course without any facts.
    expect(await passed('student_id = 22 AND course_id = 53')).toEqual([null]);
    expect(await passed('student_id = 15 AND course_id = 49')).toEqual([null]);
    expect(await passed('student_id = 26 AND course_id = 50')).toEqual([null]);
  });

  test('a student in forty courses', async () => {
    const rows = await metricsOf(`student_id = ${MANY.student}`);
    expect(rows).toHaveLength(MANY.count);
    const expected = rows.map((_, n) => (n % 2 === 1 ? (2.5 * (n - 1)).toFixed(2) : '50.00'));
    expect(rows.map((row) => row['previous_module_grade'])).toEqual(expected);
    expect(rows.map((row) => row.imputed.includes('previous_module_grade'))).toEqual(rows.map((_, n) => n % 2 === 0));
  });
});

describe('compat.temporal_features', () => {
  test.each([
    // Mean of 70 and 33.33: 51.665. Stopped courses do not count beside running ones.
    [17, 'the mean of the running courses', [53, 54], '2026-03-20', '51.67', ['engagement_ma7']],
    [18, 'of those that are known', [53, 54], '2026-03-20', '40.00', ['engagement_ma7']],
    [19, 'else the last to stop, with the greatest id', [56], '2026-03-20', '20.01', ['engagement_ma7']],
    [20, 'a day that there is, whatever runs without one', [55], '2026-02-24', '44.44', ['engagement_ma7']],
    // Median of 70 and 40: 55; of 33.33 alone: 33.33; mean of both medians: 44.165.
    [21, 'without days the medians of the courses', [53, 54], null, '44.17', ['engagement_ma7', 'engagement_ma30']],
    [22, 'with grades alone likewise', [53], '2026-03-19', '55.00', ['engagement_ma7', 'engagement_ma30']],
    [24, 'else 50', [50], null, '50.00', ['engagement_ma7', 'engagement_ma30']],
    [25, 'without days and over, the last to stop', [51], null, '10.00', ['engagement_ma7', 'engagement_ma30']],
    [MANY.student, 'of forty courses one row', [45], '2026-03-20', '39.00', ['engagement_ma7']],
  ])('student %i: %s', async (student_id, _, course_ids, feature_date, engagement_ma30, imputed) => {
    const row = { student_id, course_ids, feature_date, engagement_ma7: '50.00', engagement_ma30, imputed };
    expect(await latestOf(student_id)).toEqual([row]);
  });

  test('every student of student_metrics has one row', async () => {
    const students = 'SELECT count(*)::integer AS n, count(DISTINCT student_id)::integer AS distinct FROM';
    const [temporal] = await analytics.db.query<{ n: number; distinct: number }>(
      `${students} compat.temporal_features`,
    );
    const [metrics] = await analytics.db.query<{ distinct: number }>(`${students} compat.student_metrics`);
    expect(temporal).toEqual({ n: metrics?.distinct, distinct: metrics?.distinct });
  });
});

test('columns have the types that the readers expect', async () => {
  const columns = await analytics.db.query<{ view: string; name: string; type: string }>(
    `SELECT attrelid::regclass::text AS view, attname::text AS name, format_type(atttypid, atttypmod) AS type
     FROM pg_attribute WHERE attrelid IN ('compat.student_metrics'::regclass, 'compat.temporal_features'::regclass)
       AND attnum > 0`,
  );
  const others: Readonly<Record<string, string>> = {
    student_id: 'integer',
    course_id: 'integer',
    module_id: 'integer',
    absence_days_last_30: 'integer',
    passed: 'boolean',
    imputed: 'text[]',
    feature_date: 'date',
    course_ids: 'integer[]',
  };
  expect(columns).toHaveLength(14 + 6);
  for (const { name, type } of columns) expect(`${name} ${type}`).toBe(`${name} ${others[name] ?? 'numeric(5,2)'}`);
});

describe('the readers', () => {
  const count = async (): Promise<number> => {
    const [row] = await analytics.db.query<{ n: number }>('SELECT count(*)::integer AS n FROM public.student_metrics');
    return row?.n ?? 0;
  };

  test.each(Object.entries({ STUDENT_PROFILER, PATH_PREDICTOR }))(
    '%s: a row for every key, no null',
    async (_, text) => {
      const rows = await readAs(analytics.db, 'compat', (tx) => tx.query<Record<string, unknown>>(text));
      expect(rows).toHaveLength(await count());
      for (const { passed: _passed, ...row } of rows) expect(Object.values(row)).not.toContain(null);
    },
  );

  test('what they read of one student', async () => {
    const ofFirst = (text: string) => `SELECT * FROM (${text}) AS q WHERE student_id = 1`;
    const ask = (text: string) => readAs(analytics.db, 'compat', (tx) => tx.query(ofFirst(text)));
    const both = {
      student_id: 1,
      engagement_score: '10.00',
      success_rate: '33.33',
      punctuality_score: '50.00',
      engagement_ma30: '50.00',
      forum_participation: '0.00',
    };
    expect(await ask(STUDENT_PROFILER)).toEqual([{ ...both, login_frequency: '0.00' }]);
    expect(await ask(PATH_PREDICTOR)).toEqual([
      {
        ...both,
        previous_module_grade: '50.00',
        time_spent_ratio: '0.29',
        absence_days_last_30: 3,
        assignment_completion_rate: '50.00',
        passed: true,
        course_id: 1,
        module_id: 1,
      },
    ]);
  });

  test('a role that may read the schema and nothing else reads all of it', async () => {
    class Undo extends Error {}
    const asReader = async (tx: Queryable): Promise<never> => {
      const role = `reader_${process.pid}`;
      await tx.query(`CREATE ROLE ${role}`);
      await tx.query(`GRANT USAGE ON SCHEMA compat TO ${role}`);
      await tx.query(`GRANT SELECT ON ALL TABLES IN SCHEMA compat TO ${role}`);
      await tx.query(`SET LOCAL ROLE ${role}`);
      expect(await tx.query(PATH_PREDICTOR)).toHaveLength(await count());
      expect(await tx.query(STUDENT_PROFILER)).toHaveLength(await count());
      throw new Undo();
    };
    await expect(readAs(analytics.db, 'compat', asReader)).rejects.toBeInstanceOf(Undo);
  });
});
