import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import type { Position } from '#libs/domain/position.ts';
import { forgetTombstones } from '#libs/store/images/settled.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { testSettings } from '../support/settings.ts';

/* Tombstones that nobody needs any more, and what comes after they are gone. */

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('settled');
});
afterAll(() => analytics.drop());

let id: string;
beforeEach(async () => {
  id = randomUUID();
  await analytics.db.query('TRUNCATE state.image_students, state.settled');
});

const at = (lsn: number, epoch = 1): Position => ({ epoch, lsn: BigInt(lsn) });
const create = (position: Position): AnyRowChange =>
  ({ table: 'students', op: 'create', id, after: { id, firstname: 'A', lastname: 'B' }, position }) as AnyRowChange;
const remove = (position: Position): AnyRowChange =>
  ({ table: 'students', op: 'delete', id, position }) as AnyRowChange;
const stage = (...changes: AnyRowChange[]) => stageBatch(analytics.db, { changes }, testSettings().reading);
const images = async (): Promise<string[]> =>
  (
    await analytics.db.query<{ said: string }>(
      `SELECT format('%s:%s %s', epoch, lsn, CASE WHEN live THEN 'live' ELSE 'gone' END) AS said FROM state.image_students`,
    )
  ).map(({ said }) => said);
const forget = (position: Position) => forgetTombstones(analytics.db, 'students', position);

test('only tombstones at or below the position are removed', async () => {
  await stage(create(at(5)), remove(at(9)));
  expect(await forget(at(8))).toBe(0);
  expect(await images()).toEqual(['1:9 gone']);
  expect(await forget(at(9))).toBe(1);
  expect(await images()).toEqual([]);
  await stage(create(at(20)));
  expect(await forget(at(30))).toBe(0);
  expect(await images()).toEqual(['1:20 live']);
});

test('what comes again afterwards is refused, alone or together, and brings back neither row nor tombstone', async () => {
  await stage(create(at(5)), remove(at(9)));
  await forget(at(9));
  await stage(create(at(5)));
  await stage(remove(at(9)));
  await stage(create(at(0)), create(at(7)));
  expect(await images()).toEqual([]);
});

test('the same id may come back later, and an older epoch may not', async () => {
  await stage(create(at(5, 2)), remove(at(9, 2)));
  await forget(at(9, 2));
  await stage(create(at(100, 1)));
  expect(await images()).toEqual([]);
  await stage(create(at(10, 2)));
  expect(await images()).toEqual(['2:10 live']);
  await stage(remove(at(11, 2)));
  await stage(create(at(0, 3)));
  expect(await images()).toEqual(['3:0 live']);
});

test('the position does not go back, and other tables have their own', async () => {
  await stage(create(at(5)), remove(at(9)));
  await forget(at(9));
  await stage(remove(at(12)));
  await forget(at(7));
  await forgetTombstones(analytics.db, 'courses', at(90));
  id = randomUUID();
  await stage(create(at(8)));
  expect(await images()).toEqual(['1:12 gone']);
  await stage(create(at(10)));
  expect(await images()).toHaveLength(2);
});

test('a row that comes back while its tombstone is about to be removed stays', async () => {
  await stage(create(at(5)), remove(at(9)));
  const guard = async (): Promise<void> => {
    await stage(create(at(12)));
  };
  expect(await forgetTombstones(analytics.db, 'students', at(9), guard)).toBe(0);
  expect(await images()).toEqual(['1:12 live']);
});
