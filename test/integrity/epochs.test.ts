import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { FIRST_TODAY, type WrittenRow } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { deriveAll } from '../support/derive-all.ts';
import { testSettings } from '../support/settings.ts';

const settings = testSettings();
let world: World;

beforeAll(async () => {
  world = await World.create('epochs');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
});

const login = (student: number, day: number): WrittenRow => ({
  table: 'activity_logs',
  row: {
    student_id: `00000000-0000-4000-8000-00000000000${student}`,
    course_id: '00000000-0000-4000-8000-0000000000c1',
    activity_type: 'login',
    resource_id: null,
    duration_seconds: null,
    timestamp: (FIRST_TODAY - day) * 86_400_000,
    metadata: null,
  },
});

test('rows deleted while no slot existed are gone after the snapshot of the new epoch', async () => {
  const model = new SourceModel(FIRST_TODAY);
  for (const slot of [1, 2, 3]) model.apply({ kind: 'write', slot, written: login(slot, slot), toast: false });
  await world.run([[{ changes: model.changes }]], settings);
  expect(await world.differences(model)).toEqual([]);

  model.apply({ kind: 'delete', table: 'activity_logs', slot: 2 });
  const epoch = model.beginEpoch();
  await world.run([[{ changes: model.snapshot() }, { changes: [], snapshotCompleted: { epoch } }]], settings);
  expect(await world.differences(model)).toEqual([]);
});

test('a change of the old epoch that arrives after the new one has begun changes nothing', async () => {
  const model = new SourceModel(FIRST_TODAY);
  model.apply({ kind: 'write', slot: 1, written: login(1, 5), toast: false });
  model.apply({ kind: 'write', slot: 1, written: login(1, 9), toast: false });
  const [, late] = model.changes;
  model.apply({ kind: 'write', slot: 1, written: login(1, 2), toast: false });
  const epoch = model.beginEpoch();
  const end = { changes: [], snapshotCompleted: { epoch } };
  await world.run([[{ changes: model.snapshot() }, end, { changes: late === undefined ? [] : [late] }]], settings);
  expect(await world.differences(model)).toEqual([]);
});

test('a snapshot row does not undo a change of its own epoch that overtook it', async () => {
  const model = new SourceModel(FIRST_TODAY);
  model.apply({ kind: 'write', slot: 1, written: login(1, 5), toast: false });
  const snapshot = model.snapshot();
  model.apply({ kind: 'delete', table: 'activity_logs', slot: 1 });
  const deletion = model.changes.slice(-1);
  await world.run([[{ changes: deletion }, { changes: snapshot }]], settings);
  expect(await world.differences(model)).toEqual([]);
});

test('a grade dated before all that a student did moves the first day that engagement is averaged from', async () => {
  const model = new SourceModel(FIRST_TODAY);
  model.apply({ kind: 'write', slot: 1, written: login(1, 20), toast: false });
  model.apply({ kind: 'write', slot: 2, written: login(2, 1), toast: false });
  await world.run([[{ changes: model.changes }]], settings);
  const from = model.changes.length;
  const { student_id, course_id } = login(2, 1).row;
  const row = { student_id, course_id, grade_item: 'Essay', grade_value: '50', grade_max: '100' };
  const written: WrittenRow = { table: 'grades', row: { ...row, timestamp: (FIRST_TODAY - 5) * 86_400_000 } };
  model.apply({ kind: 'write', slot: 1, written, toast: false });
  await world.run([[{ changes: model.changes.slice(from) }]], settings);
  expect(await world.differences(model)).toEqual([]);
});

test('keys met in a snapshot are marked once at its end, those among them that a row has left meanwhile', async () => {
  const model = new SourceModel(FIRST_TODAY);
  for (const slot of [1, 2, 3]) model.apply({ kind: 'write', slot, written: login(slot, slot), toast: false });
  await world.run([[{ changes: model.changes }]], settings);

  model.apply({ kind: 'write', slot: 2, written: login(4, 2), toast: false });
  const epoch = model.beginEpoch();
  const rows = model.snapshot();
  const marks = async (): Promise<number> => (await world.db.query('SELECT FROM state.key_mark')).length;
  for (const change of rows)
    await stageBatch(world.db, { changes: [change], isPartOfSnapshot: true }, settings.reading);
  expect(await marks()).toBe(0);
  const end = { changes: [], snapshotCompleted: { epoch } };
  await stageBatch(world.db, end, settings.reading);
  expect(await marks()).toBeGreaterThanOrEqual(4);
  await deriveAll(world.db, settings);
  expect(await world.differences(model)).toEqual([]);
});
