import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { anomalyFamily } from '#libs/families/anomaly.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { alongWith } from '#libs/pipeline/along.ts';
import { deriveBatch, deriveKeys } from '#libs/pipeline/derive.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { claimKeys } from '#libs/store/keys/keys.ts';
import { FIRST_TODAY } from '../property/rows.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import { testSettings } from '../support/settings.ts';

const settings = testSettings();
let world: World;

beforeAll(async () => {
  world = await World.create('along');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
  await stage(20);
  await deriveAll(world.db, settings);
});

let lsn = 0n;
/** Grades of the two students of the course. */
async function stage(value: number, item?: string): Promise<readonly StudentCourse[]> {
  const changes = [1, 2].map((student): AnyRowChange => {
    lsn += 1n;
    return {
      table: 'grades',
      op: 'create',
      id: `20000000-0000-4000-8000-${String(lsn).padStart(12, '0')}`,
      position: { epoch: 1, lsn },
      after: {
        student_id: `00000000-0000-4000-8000-00000000000${student}`,
        course_id: '00000000-0000-4000-8000-0000000000c1',
        grade_item: item ?? `Item ${lsn}`,
        grade_value: String(value),
        grade_max: '100',
        timestamp: FIRST_TODAY * MS_PER_DAY + Number(lsn),
      },
    };
  });
  await stageBatch(world.db, { changes }, settings.reading);
  return [1, 2].map((studentId) => ({ courseId: 1, studentId }));
}

const derive = (keys: readonly StudentCourse[], readers = anomalyFamily) =>
  deriveKeys(world.db, performanceFamily, settings, keys, { along: alongWith(readers, settings) });

const marksLeft = (): Promise<object[]> =>
  world.db.query('SELECT family, student_id, lsn FROM state.key_mark ORDER BY student_id');

const gradedItems = async (): Promise<number[]> =>
  (await world.db.query<{ n: number }>('SELECT graded_items AS n FROM performance_features')).map(({ n }) => n);

test('what reads a key is derived with it, in its transaction, and nothing stays marked', async () => {
  const told = await derive(await stage(90));
  expect(await marksLeft()).toEqual([]);
  expect(told.marked).toEqual(new Map());
  expect(await gradedItems()).toEqual([2, 2]);
});

test('flags that come along say which change they follow from', async () => {
  await world.db.query('TRUNCATE anomaly_features');
  await derive(await stage(90));
  const said = await world.db.query<{ flags: string; grades: string }>(
    `SELECT a.source_position AS flags, p.source_position AS grades
     FROM anomaly_features AS a JOIN performance_features AS p USING (student_id, course_id)`,
  );
  expect(said.map(({ flags }) => flags)).toEqual(said.map(({ grades }) => grades));
  expect(said).toHaveLength(2);
});

test('what somebody else holds stays marked, and is told', async () => {
  const [held, free] = await stage(90);
  if (held === undefined || free === undefined) throw new Error('there are two');
  await world.db.transaction(async (tx) => {
    await claimKeys(tx, 'anomaly', [held], 1);
    const told = await derive([held, free]);
    expect(told.marked).toEqual(new Map([['anomaly', [held]]]));
  });
  expect(await marksLeft()).toMatchObject([{ family: 'anomaly', student_id: held.studentId }]);
  await deriveAll(world.db, settings);
  expect(await marksLeft()).toEqual([]);
});

const flags = (): Promise<object[]> =>
  world.db.query(
    'SELECT student_id, to_jsonb(f) - ARRAY[$1, $2, $3, $4, $5] AS f FROM anomaly_features AS f ORDER BY student_id',
    ['computed_at', 'row_version', 'source_position', 'source_committed_at', 'feature_version'],
  );

test('flags follow from what is stored with them, not from what was stored before', async () => {
  for (const value of [50, 51, 52, 53]) await derive(await stage(value));
  await derive(await stage(100));
  const along = await flags();
  await world.db.query(
    'INSERT INTO state.key_mark (family, course_id, student_id, priority) SELECT $1, 1, n, 0 FROM generate_series(1, 2) AS n',
    ['anomaly'],
  );
  await deriveAll(world.db, settings);
  expect(along).toEqual(await flags());
  expect(JSON.stringify(along)).toContain('"grade_spike":{');
});

test('marks of flags that are taken where the other family has nothing new are followed, too', async () => {
  const before = await flags();
  await world.db.query("UPDATE anomaly_features SET unsupported = '{}'");
  await world.db.query('INSERT INTO state.key_mark (family, course_id, student_id, priority) VALUES ($1, 1, 1, 0)', [
    'anomaly',
  ]);
  await derive([{ courseId: 1, studentId: 1 }]);
  expect(await marksLeft()).toEqual([]);
  const [first, second] = await flags();
  expect(first).toEqual(before[0]);
  expect(second).not.toEqual(before[1]);
});

test('what cannot be derived of those who read it is nothing against a key', async () => {
  const keys = await stage(90);
  const told = await derive(keys, {
    ...anomalyFamily,
    derive: () => {
      throw new Error('more than can be');
    },
  });
  expect(told.claimed).toHaveLength(2);
  expect(await world.db.query('SELECT FROM rejected_change')).toEqual([]);
  expect(await marksLeft()).toMatchObject(keys.map(({ studentId }) => ({ family: 'anomaly', student_id: studentId })));
  expect(await gradedItems()).toEqual([2, 2]);
});

test('news is counted by the keys that it changes, and not where it repeats what held', async () => {
  const renewedBy = async (value: number, item: string): Promise<number> =>
    (await derive(await stage(value, item))).renewed;
  expect(await renewedBy(90, 'One')).toBe(2);
  expect(await renewedBy(90, 'One')).toBe(0);
  expect(await renewedBy(95, 'One')).toBe(2);
  await world.db.query('INSERT INTO state.key_mark (family, course_id, student_id, priority) VALUES ($1, 1, 1, 2)', [
    'performance',
  ]);
  expect((await deriveBatch(world.db, performanceFamily, settings, 10)).renewed).toBe(0);
});
