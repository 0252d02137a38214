import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { resolveIds } from '#libs/store/keys/identity.ts';
import { FIRST_TODAY } from '../property/rows.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import { interpose } from '../support/interpose.ts';
import { testSettings } from '../support/settings.ts';

const settings = testSettings();
let world: World;
beforeAll(async () => {
  world = await World.create('rows');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
});

const studentId = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`;
const COURSE = '00000000-0000-4000-8000-0000000000c1';
const KEY = { student_id: studentId(1), course_id: COURSE };
let lsn = 0n;

function stamp(): { id: string; position: AnyRowChange['position'] } {
  lsn += 1n;
  return { id: `20000000-0000-4000-8000-${String(lsn).padStart(12, '0')}`, position: { epoch: 1, lsn } };
}
const at = (hour: number): number => FIRST_TODAY * MS_PER_DAY - 400 * 3_600_000 + hour * 3_600_000;
const grade = (hour: number, value = 50, item = 'Essay'): AnyRowChange => ({
  table: 'grades',
  op: 'create',
  ...stamp(),
  after: { ...KEY, grade_item: item, grade_value: String(value), grade_max: '100', timestamp: at(hour) },
});
const activity = (type: string, hour: number, state = 0): AnyRowChange => ({
  table: 'activity_logs',
  op: 'create',
  ...stamp(),
  after: {
    ...KEY,
    activity_type: type,
    resource_id: 'r1',
    duration_seconds: null,
    timestamp: at(hour),
    metadata: `{"state": ${state}}`,
  },
});
const hours = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const stage = (changes: AnyRowChange[]): Promise<unknown> => stageBatch(world.db, { changes }, settings.reading);

/** Derives everything. @returns how many image rows of a family's tables it read, by statement */
async function derive(): Promise<Record<string, number>> {
  const read: Record<string, number> = {};
  const watched = interpose(world.db, () => {});
  const counting: typeof watched = {
    ...watched,
    transaction: (work) =>
      watched.transaction((tx) =>
        work({
          ...tx,
          query: async (statement, values) => {
            const rows = await tx.query(statement, values);
            const name = typeof statement === 'string' ? statement : statement.name;
            if (rows.length > 0 && name.startsWith('store/rows'))
              read[name.slice(6)] = (read[name.slice(6)] ?? 0) + rows.length;
            return rows as never;
          },
        }),
      ),
  };
  await deriveAll(counting, settings);
  return read;
}

const folded = async (family: string): Promise<string | null> =>
  (await world.db.query<{ folded: string | null }>('SELECT folded FROM state.key WHERE family = $1', [family]))[0]
    ?.folded ?? null;
const features = async (): Promise<object> => {
  const [row] = await world.db.query(
    `SELECT graded_items, latest_grade, latest_graded_at, activities_completed, events_count, last_activity_at
     FROM performance_features FULL JOIN engagement_features USING (student_id, course_id)`,
  );
  return row ?? {};
};

describe('a key of more than a thousand rows that mostly repeat', () => {
  beforeEach(async () => {
    await stage(hours(1_200).flatMap((n) => [grade(n / 4), activity('completion', n / 4, n < 600 ? 0 : 1)]));
    await stage([activity('view', 3), activity('last_access', 4)]);
    await derive();
  });

  test('is kept as what is left of it, and a re-sync reads the new rows alone', async () => {
    expect((await folded('performance'))?.length).toBeLessThan(300);
    expect((await folded('engagement'))?.length).toBeLessThan(1_000);
    await stage([grade(301), activity('completion', 301, 1), activity('last_access', 4)]);
    expect(await derive()).toEqual({
      'rows_new/grades': 1,
      'rows_new/activity_logs': 2,
      'rows/activity_logs_single': 1,
    });
    expect(await features()).toMatchObject({
      graded_items: 1,
      latest_graded_at: new Date(at(0)),
      activities_completed: 1,
      events_count: 2,
    });
  });

  test('takes in a grade that is new, and reads all where one is late', async () => {
    await stage([grade(302, 70)]);
    expect(await derive()).not.toHaveProperty('rows/grades');
    expect(await features()).toMatchObject({ latest_grade: '70.00', latest_graded_at: new Date(at(302)) });
    await stage([grade(301, 60)]);
    expect(await derive()).toMatchObject({ 'rows_new/grades': 1, 'rows/grades': 1_202 });
    expect(await features()).toMatchObject({ latest_grade: '70.00' });
  });

  test.each<[string, (change: AnyRowChange) => AnyRowChange[]]>([
    ['deleted', ({ id }) => [{ table: 'grades', op: 'delete', id, position: stamp().position }]],
    ['changed', ({ id }) => [{ ...grade(0, 40), op: 'update', id }]],
  ])('reads all where a row is %s', async (_what, change) => {
    const newest = grade(303, 90);
    await stage([newest]);
    await derive();
    await stage(change(newest));
    expect(await derive()).toMatchObject({ 'rows/grades': 1_201 - (change(newest)[0]?.op === 'delete' ? 1 : 0) });
    expect(await features()).toMatchObject({ latest_grade: '50.00' });
  });

  test('reads all where one of several marks names no rows', async () => {
    const newest = grade(303, 90);
    await stage([newest]);
    await derive();
    await stage([{ ...grade(0, 40), op: 'update', id: newest.id }]);
    await stage([grade(304, 50)]);
    expect(await derive()).toMatchObject({ 'rows/grades': 1_202 });
    expect(await features()).toMatchObject({ latest_grade: '50.00', latest_graded_at: new Date(at(0)) });
  });

  test('reads no row of grades or completions on a new day', async () => {
    await world.db.query(
      `INSERT INTO state.key_mark (family, course_id, student_id, priority, new_rows)
       SELECT family, course_id, student_id, 2, '{}' FROM state.key`,
    );
    expect(await derive()).toEqual({ 'rows/activity_logs_single': 1 });
  });

  test('is kept no more once most of its rows are gone', async () => {
    const rows = await world.db.query<{ id: string }>('SELECT id FROM state.image_grades LIMIT 1000');
    await stage(rows.map(({ id }) => ({ table: 'grades', op: 'delete', id, position: stamp().position })));
    await derive();
    expect(await folded('performance')).toBeNull();
    expect(await features()).toMatchObject({ graded_items: 1 });
  });
});

test('of a key with few rows all are read, and nothing is kept', async () => {
  await stage(hours(10).map((n) => grade(n)));
  await derive();
  await stage([grade(11)]);
  expect(await derive()).toEqual({ 'rows/grades': 11 });
  expect(await folded('performance')).toBeNull();
});

test('keys with more rows than are read at once, in any order, are read whole', async () => {
  const many = 30_000;
  await stage([grade(0, 50, 'Item 0'), activity('completion', 0, 0)]);
  const ids = await resolveIds(world.db, new Set([1, 2, 3].map(studentId)), new Set([COURSE]));
  const keys = [1, 2, 3].map((n) => ({ studentId: ids.student(studentId(n)), courseId: ids.course(COURSE) }));
  // The second student's rows are stored in order of time, the third's in random order.
  for (const [n, order] of [
    [1, 'n'],
    [2, `(n * 7919) % ${many}`],
  ] as const)
    await world.db.query(
      `INSERT INTO state.image_grades (id, epoch, lsn, live, student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
       SELECT gen_random_uuid(), 1, n, true, $1, $2, 'Item ' || n % 3, (n / 10000)::text, '100', $3::bigint + n * 1000
       FROM generate_series(1, $4::integer) AS n ORDER BY ${order}`,
      [keys[n]?.studentId ?? 0, keys[n]?.courseId ?? 0, at(0), many],
    );
  const read = await world.db.transaction((tx) => performanceFamily.read(tx, keys, settings.reading));
  // Three values for each of three items, and another one in the last row.
  expect(read.map(({ rows }) => rows.length)).toEqual([1, 10, 10]);
  const bySight = (rows: readonly { readonly at: number }[]): object[] => [...rows].sort((a, b) => a.at - b.at);
  expect(bySight(read[2]?.rows ?? [])).toEqual(bySight(read[1]?.rows ?? []));
  const engagement = await world.db.transaction((tx) => engagementFamily.read(tx, keys, settings.reading));
  expect(engagement.map(({ rows }) => rows.activities.length)).toEqual([1, 0, 0]);
});

describe('completions of one resource under words of which one alone is copied', () => {
  const completed = async (): Promise<unknown> => {
    await derive();
    return features();
  };

  test('follow each other whatever they are called', async () => {
    await stage([activity('completion', 1, 1), activity('Completion', 2, 0), activity('completion', 3, 1)]);
    expect(await completed()).toMatchObject({ activities_completed: 1 });
    await stage([activity(' completion', 4, 0)]);
    expect(await completed()).toMatchObject({ activities_completed: 0 });
    await stage([activity('completion', 5, 1)]);
    expect(await completed()).toMatchObject({ activities_completed: 1 });
  });

  test('are looked at again, all rows of the key, when a database of an earlier version is taken over', async () => {
    const migration = readFileSync(
      new URL('../../schemas/sql/0032_completions_by_any_word.sql', import.meta.url),
      'utf8',
    );
    const marks = 'SELECT family, priority, new_rows FROM state.key_mark';
    await stage([activity('completion', 1, 1), activity('last_access', 2)]);
    await derive();
    await world.db.query(migration);
    expect(await world.db.query(marks)).toEqual([]);
    await stage([activity('Completion', 2, 0), activity('FINISHED', 3, 1)]);
    await derive();
    await world.db.query(migration);
    expect(await world.db.query(marks)).toEqual([{ family: 'engagement', priority: 2, new_rows: null }]);
  });

  test('do so beside what is kept of more than a thousand rows, in time and late', async () => {
    await stage(hours(1_200).map((n) => activity('completion', n / 4, 1)));
    // Until six days later the course's day is today.
    await stage([activity('view', 299)]);
    expect(await completed()).toMatchObject({ activities_completed: 1 });
    expect(await folded('engagement')).not.toBeNull();
    await stage([activity('COMPLETION', 301, 0)]);
    expect(await completed()).toMatchObject({ activities_completed: 0 });
    await stage([activity('completion', 302, 1)]);
    expect(await completed()).toMatchObject({ activities_completed: 1, events_count: 1 });
    const seen = async (): Promise<number> => JSON.parse((await folded('engagement')) ?? '{}').activity_logs.seen;
    const before = await seen();
    await stage([activity('view', 303)]);
    await completed();
    expect(await seen()).toBe(before);
    await stage([activity('COMPLETION', 304, 0), activity('completion', 303, 0)]);
    expect(await completed()).toMatchObject({ activities_completed: 0, events_count: 2 });
    await stage([activity('completion', 306, 1), activity('completion', 308, 1)]);
    expect(await completed()).toMatchObject({ last_activity_at: new Date(at(306)) });
    await stage([activity('COMPLETION', 307, 0)]);
    expect(await completed()).toMatchObject({ last_activity_at: new Date(at(308)) });
  });
});

test('events are found by the index without the rows that are copied', async () => {
  await stage(hours(2_000).map((n) => activity('completion', n / 8)));
  await stage([activity('view', 1)]);
  const plan = await world.db.transaction(async (tx) => {
    // One key owns all the rows, so the planner would not use an index.
    await tx.query('SET LOCAL enable_seqscan = off');
    return tx.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM state.image_activity_logs
       WHERE student_id = (SELECT min(student_id) FROM student) AND course_id = (SELECT min(course_id) FROM course)
         AND live AND NOT state.is_copied(activity_type)`,
    );
  });
  const text = plan.map((row) => row['QUERY PLAN']).join('\n');
  expect(text).toMatch(/image_activity_logs_key/);
  expect(text).not.toMatch(/Rows Removed by/);
});
