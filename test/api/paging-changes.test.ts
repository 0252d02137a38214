import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Database } from '#libs/platform/postgres/database.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { addCourseState, addPeople, ask, insertAll, startTestApi } from './support.ts';

/*
 * Lists that change while somebody pages through them. What does not change comes exactly once, in every list; in lists
 * ordered by student or day so does what changes but stays.
 */

const STUDENTS = 30;
let analytics: TestDatabase;
let db: Database;
let api: Api;

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_paging_changes');
  db = analytics.db;
  await addPeople(db, 100, 2);
  await addCourseState(db, 1, '2026-03-20');
  await addCourseState(db, 2, '2026-03-20');
  api = await startTestApi(db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

type Row = Readonly<Record<string, unknown>>;

/** Walks through the pages of a list, making a change between any two of them. */
async function walkWhile(path: string, change: (page: number) => Promise<unknown>): Promise<Row[]> {
  const rows: Row[] = [];
  let page = 0;
  for (let next: string | undefined = path; next !== undefined; ) {
    const { body, headers } = await ask(api.url + next);
    rows.push(...(body as Row[]));
    next = /^<([^>]+)>/.exec(headers.get('link') ?? '')?.[1];
    page += 1;
    if (next !== undefined) await change(page);
  }
  expect(page).toBeGreaterThan(4);
  return rows;
}

const times = (rows: readonly Row[], name: (row: Row) => unknown): Map<unknown, number> => {
  const counts = new Map<unknown, number>();
  for (const row of rows) counts.set(name(row), (counts.get(name(row)) ?? 0) + 1);
  return counts;
};

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe('anomalies', () => {
  const flag = (severity: string, value: number) => ({
    since: '2026-03-11',
    value,
    baseline: 50,
    threshold: 40,
    method: 'modified_z',
    severity,
  });
  const put = (studentId: number, severity: string, value: number): Promise<unknown> =>
    db.query('UPDATE anomaly_features SET engagement_drop = $2::json WHERE student_id = $1', [
      studentId,
      JSON.stringify(flag(severity, value)),
    ]);

  /** Students 1 … 10 are high, 11 … 20 medium, 21 … 30 low. */
  beforeEach(async () => {
    const severity = (id: number): string => ['high', 'medium', 'low'][Math.floor((id - 1) / 10)] ?? 'low';
    await insertAll(
      db,
      'anomaly_features',
      numbers(1, STUDENTS).map((id) => ({
        student_id: id,
        course_id: 1,
        engagement_drop: flag(severity(id), 39 - (id % 10)),
      })),
    );
  });
  afterEach(() => db.query('DELETE FROM anomaly_features'));

  /** One still to be seen becomes severe, one already seen becomes mild; one is closed, one is new. */
  const change = async (page: number): Promise<void> => {
    if (page === 1) await put(30, 'high', 1);
    if (page === 3) await put(1, 'low', 39);
    if (page === 4) await put(12, 'high', 2);
    if (page === 4) await db.query('UPDATE anomaly_features SET engagement_drop = NULL WHERE student_id = 25');
    if (page === 4)
      await insertAll(db, 'anomaly_features', [{ student_id: 31, course_id: 1, engagement_drop: flag('low', 30) }]);
  };
  const moved = [1, 12, 30];
  const gone = [25, 31];

  test('the most severe first: what stays as it is comes once, what moves may be missed or come twice', async () => {
    const counts = times(await walkWhile('/api/anomalies?limit=4', change), (row) => row['student_id']);
    for (const id of numbers(1, STUDENTS))
      if (![...moved, ...gone].includes(id)) expect([id, counts.get(id)]).toEqual([id, 1]);
    // As documented: 1 is seen both high and low, 30 is never seen.
    expect([counts.get(1), counts.get(30)]).toEqual([2, undefined]);
  });

  test('by student: what stays open comes once, whatever becomes of its severity', async () => {
    const counts = times(await walkWhile('/api/anomalies?limit=4&order=student', change), (row) => row['student_id']);
    for (const id of numbers(1, STUDENTS)) if (!gone.includes(id)) expect([id, counts.get(id)]).toEqual([id, 1]);
  });
});

describe.each(['/api/students?limit=4', '/api/students?limit=4&courseId=1'])('%s', (path) => {
  beforeEach(() =>
    insertAll(
      db,
      'engagement_features',
      numbers(1, STUDENTS).map((id) => ({ student_id: id * 2, course_id: 1, engagement_score: id })),
    ),
  );
  afterEach(() => db.query('DELETE FROM engagement_features'));

  test('who stays comes once, whoever comes and goes and whatever their scores', async () => {
    const rows = await walkWhile(path, async (page) => {
      // Before and behind the reader's place.
      await db.query('UPDATE engagement_features SET engagement_score = 100 - engagement_score');
      await db.query('DELETE FROM engagement_features WHERE student_id IN ($1, $2)', [page * 8, 62 - page * 2]);
      await insertAll(db, 'engagement_features', [{ student_id: page * 2 + 1, course_id: 1, engagement_score: 1 }]);
      await insertAll(db, 'engagement_features', [{ student_id: 99 - page * 2, course_id: 1, engagement_score: 1 }]);
    });
    const counts = times(rows, (row) => row['id']);
    const stayed = await db.query<{ id: number }>(
      'SELECT student_id AS id FROM engagement_features WHERE student_id % 2 = 0 ORDER BY 1',
    );
    expect(stayed.length).toBeGreaterThan(10);
    expect(stayed.map(({ id }) => [id, counts.get(id)])).toEqual(stayed.map(({ id }) => [id, 1]));
    expect([...counts.values()].every((count) => count === 1)).toBe(true);
  });
});

describe('days', () => {
  beforeEach(async () => {
    for (const course of [1, 2]) {
      await db.query(
        `INSERT INTO state.key (family, course_id, student_id, derived)
         SELECT 'engagement', $1::integer, n, true FROM generate_series(1, 3) AS n`,
        [course],
      );
      await db.query(
        `INSERT INTO state.engagement_series (student_id, course_id, first_day, score, ma7, ma30, trend, events)
         SELECT n, $1::integer, '2026-03-11', a, a, a, a, a
         FROM generate_series(1, 3) AS n, (SELECT array_fill(7, ARRAY[10]) AS a) AS days`,
        [course],
      );
    }
  });
  afterEach(async () => {
    await db.query('DELETE FROM state.engagement_series');
    await db.query('DELETE FROM state.key');
    await db.query("UPDATE state.course SET as_of = '2026-03-20'");
  });

  /** Days are added at both ends: by a fact of an earlier day, and by the rollover. */
  const grow = async (page: number): Promise<void> => {
    if (page === 2) {
      await db.query(`UPDATE state.engagement_series SET first_day = first_day - 1, score = 1 || score, ma7 = 1 || ma7,
        ma30 = 1 || ma30, trend = 1 || trend, events = 1 || events`);
    }
    if (page === 4) {
      await db.query(`UPDATE state.engagement_series SET score = score || 1, ma7 = ma7 || 1, ma30 = ma30 || 1,
        trend = trend || 1, events = events || 1`);
      await db.query("UPDATE state.course SET as_of = '2026-03-21'");
    }
  };
  const name = (row: Row): string => `${row['course_id']} ${row['student_id']} ${row['feature_date']}`;

  test.each([
    ['/api/engagement/trends?limit=7', [1, 2, 3]],
    ['/api/features/temporal/1?limit=3', [1]],
  ])('%s: each day that was there at first comes once', async (path, students) => {
    const counts = times(await walkWhile(path, grow), name);
    for (const course of [1, 2]) {
      for (const student of students) {
        for (const day of numbers(11, 20)) {
          const row = `${course} ${student} 2026-03-${day}`;
          expect([row, counts.get(row)]).toEqual([row, 1]);
        }
      }
    }
    expect([...counts.values()].every((count) => count === 1)).toBe(true);
  });
});

test('rejected rows: each that is not rejected anew comes once', async () => {
  await db.query(`INSERT INTO rejected_change (origin, source_table, source_id, epoch, lsn, reason, payload, rejected_at)
    SELECT 'grades:' || n, 'grades', NULL, 1, n, 'bad_max', '{}', '2026-03-20T08:00:00Z'::timestamptz + n * interval '1 s'
    FROM generate_series(1, 30) AS n`);
  const rows = await walkWhile('/api/rejected?limit=4', async (page) => {
    await db.query("UPDATE rejected_change SET rejected_at = '2026-03-21T08:00:00Z' WHERE origin = $1", [
      `grades:${page}`,
    ]);
    await db.query('DELETE FROM rejected_change WHERE origin = $1', [`grades:${30 - page}`]);
    await db.query(
      `INSERT INTO rejected_change (origin, source_table, epoch, lsn, reason, payload, rejected_at)
       VALUES ($1, 'grades', 1, 1, 'bad_max', '{}', '2026-03-22T08:00:00Z')`,
      [`grades:${100 + page}`],
    );
  });
  const counts = times(rows, (row) => row['origin']);
  for (const n of [...numbers(8, 22), 30]) expect([n, counts.get(`grades:${n}`)]).toEqual([n, 1]);
  expect(counts.get('grades:1')).toBeUndefined();
});
