import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stageBatch } from '#libs/store/images/stage.ts';
import { NOTHING } from '../../support/nothing.ts';
import { untilSettled } from './settled.ts';
import { RowWorld } from './world.ts';

/* Images are corrupted by hand in every possible way; each is found, named by its kind and repaired, and nothing else is touched. */

let world: RowWorld;
beforeAll(async () => {
  world = await RowWorld.open('repair');
  await world.source.db.query(`
    INSERT INTO students (id, username) SELECT md5('s' || n)::uuid, 's' || n FROM generate_series(1, 10) AS n;
    INSERT INTO courses (id, shortname) SELECT md5('c' || n)::uuid, 'c' || n FROM generate_series(1, 2) AS n;
    INSERT INTO enrollments (id, student_id, course_id, enrolled_at)
    SELECT md5('e' || n)::uuid, md5('s' || n)::uuid, md5('c1')::uuid, '2026-03-01 10:00:00.123456' FROM generate_series(1, 10) AS n;
    INSERT INTO grades (id, student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
    SELECT md5('g' || n)::uuid, md5('s' || 1 + n % 10)::uuid, md5('c' || 1 + n / 10 % 2)::uuid, 'Quiz', n, 100, '2026-03-02'
    FROM generate_series(1, 60) AS n;
    INSERT INTO activity_logs (id, student_id, course_id, activity_type, resource_id, duration_seconds, "timestamp", metadata)
    SELECT md5('a' || n)::uuid, md5('s' || 1 + n % 10)::uuid, md5('c' || 1 + n / 10 % 2)::uuid, 'view', 'r' || n, n, '2026-03-03',
      jsonb_build_object('state', n % 4, 'ip', n) FROM generate_series(1, 200) AS n`);
  world.begin();
  await untilSettled(world);
  // Streamed rows as well as rows of the initial snapshot.
  await world.source.db.query(`
    UPDATE grades SET grade_value = grade_value + 0.5 WHERE grade_value > 40;
    DELETE FROM activity_logs WHERE duration_seconds > 190;
    INSERT INTO grades (id, student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
    SELECT md5('late' || n)::uuid, md5('s1')::uuid, md5('c1')::uuid, NULL, n, 100, '2026-03-02' FROM generate_series(1, 3) AS n`);
  await untilSettled(world);
});
afterAll(() => world.drop());

const TABLES = ['students', 'courses', 'enrollments', 'grades', 'activity_logs'];

/** All images without their positions. */
async function contents(): Promise<unknown> {
  const { db } = world.analytics;
  const all: Record<string, unknown> = {};
  for (const table of TABLES)
    all[table] = await db.query(
      `SELECT to_jsonb(image) - 'epoch' - 'lsn' - 'xid' - 'toast' AS image FROM state.image_${table} AS image WHERE live ORDER BY id`,
    );
  all['rejected'] = await db.query('SELECT source_table, source_id, reason FROM rejected_change ORDER BY origin');
  return all;
}

const row = (kind: string, n: number): string => `md5('${kind}${n}')::uuid`;
let right: unknown;
beforeEach(async () => {
  await world.analytics.db.query('DELETE FROM state.key_mark');
  right = await contents();
  expect(await world.reconcile()).toMatchObject({ left: 0, kinds: NOTHING, skipped: 0 });
  expect(await contents()).toEqual(right);
});

interface Plant {
  readonly what: string;
  readonly sql: string;
  readonly table: string;
  readonly kind: 'row missed' | 'row extra' | 'value differs';
  readonly rows: number;
  /** Keys that the repair must mark. */
  readonly keys: number;
}

const PLANTS: readonly Plant[] = [
  ...(['grade_item', 'grade_value', 'grade_max'] as const).map(
    (column): Plant => ({
      what: `${column} of a grade changed`,
      sql: `UPDATE state.image_grades SET ${column} = '17' WHERE id = ${row('g', 50)}`,
      table: 'grades',
      kind: 'value differs',
      rows: 1,
      keys: 1,
    }),
  ),
  ...(['activity_type', 'resource_id', 'duration_seconds', 'metadata'] as const).map(
    (column): Plant => ({
      what: `${column} of an activity lost`,
      sql: `UPDATE state.image_activity_logs SET ${column} = NULL WHERE id = ${row('a', 5)}`,
      table: 'activity_logs',
      kind: 'value differs',
      rows: 1,
      keys: 1,
    }),
  ),
  {
    what: 'a time off by a millisecond',
    sql: `UPDATE state.image_activity_logs SET "timestamp" = "timestamp" + 1 WHERE id = ${row('a', 9)}`,
    table: 'activity_logs',
    kind: 'value differs',
    rows: 1,
    keys: 1,
  },
  {
    what: 'a row under another student',
    sql: `UPDATE state.image_grades SET student_id = student_id % 10 + 1 WHERE id = ${row('g', 3)}`,
    table: 'grades',
    kind: 'value differs',
    rows: 1,
    keys: 2,
  },
  {
    what: 'a row of no student',
    sql: `UPDATE state.image_enrollments SET student_id = NULL WHERE id = ${row('e', 3)}`,
    table: 'enrollments',
    kind: 'value differs',
    rows: 1,
    keys: 1,
  },
  {
    what: 'an image deleted',
    sql: `DELETE FROM state.image_grades WHERE id = ${row('g', 51)}`,
    table: 'grades',
    kind: 'row missed',
    rows: 1,
    keys: 1,
  },
  {
    what: 'an image turned into a tombstone',
    sql: `UPDATE state.image_activity_logs SET live = false, activity_type = NULL, student_id = NULL WHERE id = ${row('a', 7)}`,
    table: 'activity_logs',
    kind: 'row missed',
    rows: 1,
    keys: 1,
  },
  {
    what: 'all images of a table deleted',
    sql: 'DELETE FROM state.image_activity_logs WHERE live',
    table: 'activity_logs',
    kind: 'row missed',
    rows: 190,
    keys: 20,
  },
  {
    what: 'a student deleted',
    sql: `DELETE FROM state.image_students WHERE id = ${row('s', 4)}`,
    table: 'students',
    kind: 'row missed',
    rows: 1,
    keys: 0,
  },
  {
    what: 'images that the source has no rows for, more than are read at once',
    sql: `DELETE FROM state.image_grades WHERE id IN (SELECT md5('x' || n)::uuid FROM generate_series(1, 150) AS n);
          INSERT INTO state.image_grades (id, epoch, lsn, live, student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
          SELECT md5('x' || n)::uuid, 1, 5, true, 1, 1, 'Quiz', '1', '100', 0 FROM generate_series(1, 150) AS n`,
    table: 'grades',
    kind: 'row extra',
    rows: 150,
    keys: 1,
  },
  {
    what: 'an image of an epoch before, which a snapshot over Kafka leaves behind',
    sql: `DELETE FROM state.image_enrollments WHERE id = md5('old')::uuid;
          INSERT INTO state.image_enrollments (id, epoch, lsn, live, xid, student_id, course_id, enrolled_at)
          VALUES (md5('old')::uuid, 0, 5, true, '4294967295', 1, 1, 0)`,
    table: 'enrollments',
    kind: 'row extra',
    rows: 1,
    keys: 1,
  },
  {
    what: 'a deleted row come back to life',
    sql: `INSERT INTO state.image_activity_logs (id, epoch, lsn, live, student_id, course_id, activity_type, "timestamp")
          VALUES (${row('a', 195)}, 1, 5, true, 2, 1, 'view', 0)`,
    table: 'activity_logs',
    kind: 'row extra',
    rows: 1,
    keys: 1,
  },
];

describe.each([10_000, 7])('in ranges of %s rows', (rangeRows) => {
  test.each(PLANTS)('$what', async ({ sql, table, kind, rows, keys }) => {
    const { db } = world.analytics;
    await db.query(sql);
    const before = await positions(table);
    const planted = await contents();

    const seen = await world.reconcile({ dryRun: true, rangeRows });
    expect(seen).toMatchObject({ kinds: { [kind]: rows }, left: rows, skipped: 0 });
    expect(await contents()).toEqual(planted);
    expect(await marked()).toBe(0);

    const repaired = await world.reconcile({ rangeRows });
    expect(repaired).toMatchObject({ kinds: { [kind]: rows }, left: 0, skipped: 0 });
    expect(repaired.tables[table as 'grades']).toMatchObject({ repaired: rows });
    expect(repaired.examples).toHaveLength(Math.min(20, rows));
    for (const example of repaired.examples) expect(example).toMatchObject({ where: table, kind, repaired: true });
    expect(await contents()).toEqual(right);
    expect(await marked()).toBe(keys);
    // The tombstone of an extra row is not needed any more, once transactions of other tests on this server have ended.
    const extra = kind === 'row extra' ? rows : 0;
    const rowsLeft = async (): Promise<number> => {
      await world.reconcile({ rangeRows });
      return (await positions(table)).size;
    };
    if (extra > 0) await expect.poll(rowsLeft).toBe(before.size - extra);
    // Past the guard: positions and transactions stay.
    const after = await positions(table);
    const kept = [...before].filter(([id]) => kind !== 'row extra' || after.has(id));
    expect(kept).toHaveLength(before.size - extra);
    for (const [id, position] of kept) expect(after.get(id)).toBe(position);
    expect(await world.reconcile({ rangeRows })).toMatchObject({
      kinds: NOTHING,
      left: 0,
      compared: seen.compared - extra,
    });
  });
});

async function positions(table: string): Promise<Map<string, string>> {
  const rows = await world.analytics.db.query<{ id: string; at: string }>(
    `SELECT id, concat_ws('/', epoch, lsn, coalesce(xid::text, 'none')) AS at FROM state.image_${table}`,
  );
  return new Map(rows.map(({ id, at }) => [id, at]));
}

async function marked(): Promise<number> {
  const keys = await world.analytics.db.query('SELECT DISTINCT family, student_id, course_id FROM state.key_mark');
  return keys.length;
}

describe('what was repaired', () => {
  test('gives way to any later change, and is not moved by an earlier one', async () => {
    const { db } = world.analytics;
    await db.query(`DELETE FROM state.image_grades WHERE id IN (${row('g', 52)}, ${row('g', 2)})`);
    await world.reconcile();
    expect(await contents()).toEqual(right);
    await world.source.db.query(`UPDATE grades SET grade_value = 1 WHERE id = ${row('g', 52)}`);
    await untilSettled(world);
    const [image] = await db.query(`SELECT grade_value FROM state.image_grades WHERE id = ${row('g', 52)}`);
    expect(image).toEqual({ grade_value: '1' });
    right = await contents();
  });

  test('is judged as it would be when it is staged: rejected ones are listed, readable ones no longer', async () => {
    const { db } = world.analytics;
    await db.query(`UPDATE state.image_grades SET grade_item = 'Quiz' WHERE id = ${row('late', 1)}`);
    await db.query(`DELETE FROM rejected_change WHERE source_id = ${row('late', 1)}`);
    await db.query(`INSERT INTO rejected_change (origin, source_table, source_id, epoch, lsn, reason, payload)
      SELECT 'grades:' || id, 'grades', id, epoch, lsn, 'bad_max', '' FROM state.image_grades WHERE id = ${row('g', 20)}`);
    await db.query(`UPDATE state.image_grades SET grade_max = NULL WHERE id = ${row('g', 20)}`);
    expect(await world.reconcile()).toMatchObject({ kinds: { 'value differs': 2 }, left: 0 });
    expect(await contents()).toEqual(right);
  });

  test('is real where it could not be staged for a fault of ours', async () => {
    const { db } = world.analytics;
    const [at] = await db.query<{ epoch: number; lsn: bigint }>(
      `SELECT epoch, lsn FROM state.image_grades WHERE id = ${row('g', 30)}`,
    );
    const [{ id } = { id: '' }] = await db.query<{ id: string }>(`SELECT ${row('g', 30)}::text AS id`);
    const position = { epoch: at?.epoch ?? 0, lsn: (at?.lsn ?? 0n) + 1n };
    const change = { table: 'grades', op: 'update', id, position, xid: 5n, after: {} } as const;
    await stageBatch(db, { changes: [change] }, world.settings.reading, { rejectAs: 'internal_error' });
    expect(await contents()).not.toEqual(right);
    expect(await world.reconcile()).toMatchObject({ kinds: { 'value differs': 1 }, left: 0 });
    expect(await contents()).toEqual(right);
  });
});

test('a late change of a row whose tombstone is gone is refused, and is no difference', async () => {
  const { db } = world.analytics;
  const id = '00000000-0000-4000-8000-0000000000aa';
  const late = { table: 'activity_logs', op: 'update', id, position: { epoch: 1, lsn: 5n }, xid: 9n } as const;
  const after = { student_id: null, course_id: null, activity_type: 'view', resource_id: null } as const;
  const rest = { duration_seconds: null, timestamp: 0, metadata: null } as const;
  await stageBatch(db, { changes: [{ ...late, after: { ...after, ...rest } }] }, world.settings.reading);
  expect(await contents()).toEqual(right);
  expect(await world.reconcile()).toMatchObject({ kinds: NOTHING, left: 0 });
});

describe('narrowed', () => {
  test.each([
    ['to a student', { studentId: 1 }],
    ['to a course', { courseId: 1 }],
    ['to both', { studentId: 1, courseId: 1 }],
  ])('%s, it looks at those rows alone, and repairs them', async (_, scope) => {
    const { db } = world.analytics;
    const where = Object.entries(scope).map(
      ([name, id]) => `${name === 'studentId' ? 'student_id' : 'course_id'} = ${id}`,
    );
    const [mine] = await db.query<{ count: number }>(
      `SELECT count(*)::integer AS count FROM state.image_grades WHERE live AND ${where.join(' AND ')}`,
    );
    expect(mine?.count).toBeGreaterThan(0);
    // One inside, moved to somebody else; one inside, deleted; one outside.
    const [inside, lost] = await db.query<{ id: string }>(
      `SELECT id FROM state.image_grades WHERE live AND ${where.join(' AND ')} ORDER BY id LIMIT 2`,
    );
    const [outside] = await db.query<{ id: string }>(
      'SELECT id FROM state.image_grades WHERE live AND student_id <> 1 AND course_id <> 1 LIMIT 1',
    );
    await db.query('UPDATE state.image_grades SET student_id = 2, course_id = 2 WHERE id = $1', [inside?.id ?? '']);
    await db.query('DELETE FROM state.image_grades WHERE id = $1', [lost?.id ?? '']);
    await db.query("UPDATE state.image_grades SET grade_max = '3' WHERE id = $1", [outside?.id ?? '']);
    const narrowed = await world.reconcile({ scope });
    expect(narrowed).toMatchObject({ kinds: { 'value differs': 1, 'row missed': 1 }, left: 0 });
    expect(narrowed.tables.grades?.equal).toBe((mine?.count ?? 0) - 2);
    expect(Object.keys(narrowed.tables)).toHaveLength(Object.keys(scope).length + 3);
    expect(await world.reconcile()).toMatchObject({ kinds: { 'value differs': 1 }, left: 0 });
    expect(await contents()).toEqual(right);
  });

  test('to one that nobody knows, it says so', async () => {
    await expect(world.reconcile({ scope: { courseId: 99 } })).rejects.toThrow('there is no course 99');
  });
});
