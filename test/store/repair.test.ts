import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RowChange } from '#libs/domain/change.ts';
import type { Image } from '#libs/store/images/image.ts';
import { type ImageRepair, type RepairScene, repairImages } from '#libs/store/images/repair.ts';
import { forgetTombstones } from '#libs/store/images/settled.ts';
import { imagesOf, stageBatch } from '#libs/store/images/stage.ts';
import { EpochEnded, openProgressStore } from '#libs/store/progress/progress.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { testSettings } from '../support/settings.ts';

const { reading, fingerprint } = testSettings();
const id = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`;
const STUDENT = '10000000-0000-4000-8000-000000000000';
const COURSE = '20000000-0000-4000-8000-000000000000';

let database: TestDatabase;
let epoch: number;
let scene: RepairScene;
beforeAll(async () => {
  database = await createAnalyticsDatabase('repair');
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.db.query('TRUNCATE state.image_grades, state.floor, state.settled, state.key_mark, rejected_change');
  epoch = await openProgressStore(database.db).beginEpoch('pgoutput', 'here', 'a test');
  scene = { table: 'grades', stream: 'pgoutput', epoch, truncatePosition: null, settings: reading, fingerprint };
});

const grade = (n: number, lsn: number, value: string, op: 'create' | 'update' = 'create'): RowChange<'grades'> => ({
  table: 'grades',
  op,
  id: id(n),
  position: { epoch, lsn: BigInt(lsn) },
  xid: BigInt(lsn) + (5n << 32n),
  after: {
    student_id: STUDENT,
    course_id: COURSE,
    grade_item: 'Quiz',
    grade_value: value,
    grade_max: '100',
    timestamp: 1_772_359_200_000,
  },
});
const removed = (n: number, lsn: number): RowChange<'grades'> => ({
  table: 'grades',
  op: 'delete',
  id: id(n),
  position: { epoch, lsn: BigInt(lsn) },
});
const stage = (...changes: RowChange<'grades'>[]): Promise<unknown> => stageBatch(database.db, { changes }, reading);
const truncate = (lsn: number): Promise<unknown> =>
  stageBatch(
    database.db,
    { changes: [{ table: 'grades', op: 'truncate', position: { epoch, lsn: BigInt(lsn) } }] },
    reading,
  );

async function imageOf(n: number): Promise<Image | undefined> {
  return (await imagesOf('grades').read(database.db, [id(n)])).get(id(n));
}
const columns = (value: string): ImageRepair['expected'] => ({
  student_id: 1,
  course_id: 1,
  grade_item: 'Quiz',
  grade_value: value,
  grade_max: '100',
  timestamp: 1_772_359_200_000,
});

const repair = (
  repairs: readonly (readonly [number, ImageRepair])[],
  where: RepairScene = scene,
): Promise<Set<string>> =>
  database.db.transaction((tx) => repairImages(tx, where, new Map(repairs.map(([n, given]) => [id(n), given]))));

describe('an image that is as it was compared', () => {
  test('gets the values of the source and keeps its position and its transaction', async () => {
    await stage(grade(1, 7, '50'));
    const found = await imageOf(1);
    expect(found?.xid).toBe(7);
    expect(await repair([[1, { found, expected: columns('60') }]])).toEqual(new Set([id(1)]));
    expect(await imageOf(1)).toEqual({ ...found, columns: columns('60') });
    await stage(grade(1, 6, '40'));
    expect(await imageOf(1)).toMatchObject({ columns: { grade_value: '60' } });
    await stage(grade(1, 8, '70', 'update'));
    expect(await imageOf(1)).toMatchObject({ columns: { grade_value: '70' }, xid: 8 });
  });

  test('becomes a tombstone where it stands', async () => {
    await stage(grade(1, 7, '50'));
    await repair([[1, { found: await imageOf(1), expected: null }]]);
    await stage(grade(1, 7, '50'));
    expect(await imageOf(1)).toMatchObject({ live: false, xid: 7 });
    await stage(grade(1, 9, '55'));
    expect(await imageOf(1)).toMatchObject({ live: true, columns: { grade_value: '55' } });
  });

  test('comes back to life where it stands', async () => {
    await stage(grade(1, 7, '50'), removed(1, 8));
    await repair([[1, { found: await imageOf(1), expected: columns('50') }]]);
    expect(await imageOf(1)).toMatchObject({ live: true, position: { epoch, lsn: 8n } });
    await stage(removed(1, 8));
    expect(await imageOf(1)).toMatchObject({ live: true });
  });

  test('is made where a row of a snapshot would be, and not below the truncate position', async () => {
    await repair([[1, { found: undefined, expected: columns('50') }]]);
    expect(await imageOf(1)).toMatchObject({ live: true, position: { epoch, lsn: 0n }, xid: null });
    await truncate(20);
    const truncatePosition = { epoch, lsn: 20n };
    expect(await repair([[2, { found: undefined, expected: columns('50') }]], { ...scene, truncatePosition })).toEqual(
      new Set([id(2)]),
    );
    expect(await imageOf(2)).toMatchObject({ live: true, position: truncatePosition });
    await stage(grade(2, 19, '10'));
    expect(await imageOf(2)).toMatchObject({ columns: { grade_value: '50' } });
    await truncate(21);
    expect(await imageOf(2)).toBeUndefined();
  });

  test('is not made below the settled position, which refused what came before it', async () => {
    await stage(grade(1, 5, '10'), removed(1, 8));
    await forgetTombstones(database.db, 'grades', { epoch, lsn: 10n });
    await repair([[1, { found: await imageOf(1), expected: columns('50') }]]);
    await stage(grade(1, 5, '10'));
    await stage(removed(1, 8));
    expect(await imageOf(1)).toMatchObject({ live: true, columns: { grade_value: '50' } });
    await stage(grade(1, 11, '60', 'update'));
    expect(await imageOf(1)).toMatchObject({ columns: { grade_value: '60' } });
  });

  test('marks the keys that the row leaves and enters, to be derived when nothing else is', async () => {
    await stage(grade(1, 7, '50'));
    await database.db.query('TRUNCATE state.key_mark');
    const [other] = await database.db.query<{ student_id: number }>(
      'INSERT INTO student (source_id) VALUES (gen_random_uuid()) RETURNING student_id',
    );
    const student = other?.student_id ?? 0;
    await repair([[1, { found: await imageOf(1), expected: { ...columns('50'), student_id: student } }]]);
    const marks = await database.db.query(
      'SELECT student_id, family, priority FROM state.key_mark ORDER BY student_id',
    );
    expect(marks).toEqual([
      { student_id: 1, family: 'performance', priority: 2 },
      { student_id: student, family: 'performance', priority: 2 },
    ]);
  });
});

describe('nothing is written', () => {
  test.each([
    ['over a change that came in since', () => stage(grade(1, 8, '70', 'update'))],
    ['over a delete', () => stage(removed(1, 8))],
    ['over another repair', () => database.db.query("UPDATE state.image_grades SET grade_value = '61'")],
  ])('%s', async (_, meanwhile) => {
    await stage(grade(1, 7, '50'), grade(2, 7, '50'));
    const repairs = [
      [1, { found: await imageOf(1), expected: columns('60') }],
      [3, { found: undefined, expected: columns('60') }],
    ] as const;
    await meanwhile();
    await stage(grade(3, 9, '30'));
    const before = await imageOf(1);
    expect(await repair(repairs)).toEqual(new Set());
    expect(await imageOf(1)).toEqual(before);
    expect(await imageOf(3)).toMatchObject({ columns: { grade_value: '30' } });
  });

  test('after a truncate', async () => {
    await truncate(20);
    expect(await repair([[1, { found: undefined, expected: columns('60') }]])).toEqual(new Set());
    expect(await imageOf(1)).toBeUndefined();
  });

  test('in another epoch', async () => {
    await openProgressStore(database.db).beginEpoch('pgoutput', 'there', 'a test');
    await expect(repair([[1, { found: undefined, expected: columns('60') }]])).rejects.toThrow(EpochEnded);
    expect(await imageOf(1)).toBeUndefined();
  });

  test('by other settings than the database was given', async () => {
    await database.db.query("INSERT INTO state.settings (fingerprint, described) VALUES ('others', '{}')");
    await expect(repair([[1, { found: undefined, expected: columns('60') }]])).rejects.toThrow();
    await database.db.query('DELETE FROM state.settings');
    expect(await imageOf(1)).toBeUndefined();
  });
});
