import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AnyRowChange, Change } from '#libs/domain/change.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { FIRST_TODAY, type WrittenRow } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { Gate, heldAfter } from '../support/interpose.ts';
import { testSettings } from '../support/settings.ts';

const settings = testSettings();
let world: World;

beforeAll(async () => {
  world = await World.create('split_moves');
});
afterAll(() => world.drop());
beforeEach(() => begin());

async function begin(): Promise<void> {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
}

const submission = (dueAt: string): WrittenRow => ({
  table: 'activity_logs',
  row: {
    student_id: '00000000-0000-4000-8000-000000000001',
    course_id: '00000000-0000-4000-8000-0000000000c1',
    activity_type: 'submission',
    resource_id: 'essay',
    duration_seconds: null,
    timestamp: (FIRST_TODAY - 2) * 86_400_000,
    metadata: `{"due_at": "${dueAt}"}`,
  },
});

/** As Debezium sends it: the two halves do not refer to each other. */
function split(change: Change): Change {
  if (change.op === 'truncate' || (change.moved !== true && change.movedFrom === undefined)) return change;
  const { movedFrom: _, ...half } = change;
  return { ...half, splitMove: true } as AnyRowChange;
}

/** Late in its first version, in time in its second, whose id then changes without its metadata being sent again. */
function story(steps: 'once' | 'twice'): { model: SourceModel; changes: readonly Change[] } {
  const model = new SourceModel(FIRST_TODAY);
  model.apply({ kind: 'write', slot: 1, written: submission('2001-01-01'), toast: false });
  if (steps === 'twice') model.apply({ kind: 'write', slot: 1, written: submission('2101-01-01'), toast: false });
  model.apply({ kind: 'rekey', table: 'activity_logs', slot: 1, to: 2, toast: true });
  return { model, changes: model.changes.map(split) };
}

async function halves(): Promise<number> {
  const [row] = await world.db.query<{ count: bigint }>(
    'SELECT count(*) AS count FROM state.split_move WHERE old_id IS NULL OR new_id IS NULL',
  );
  return Number(row?.count);
}

/** Every order in which changes of several partitions may arrive. */
function orders(changes: readonly Change[]): Change[][] {
  if (changes.length === 0) return [[]];
  return changes.flatMap((first, at) => orders(changes.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}

for (const steps of ['once', 'twice'] as const) {
  const { model, changes } = story(steps);
  const told = (change: Change): string => `${change.op} ${change.position.lsn}`;
  test.each(orders(changes).map((order) => ({ order, name: order.map(told).join(', ') })))(
    `a row keeps its metadata under its new id, when there comes: $name (written ${steps})`,
    async ({ order }) => {
      for (const batches of [order.map((change) => [change]), [order]]) {
        await begin();
        await world.run([batches.map((each) => ({ changes: each }))], settings);
        expect(await world.differences(model)).toEqual([]);
        expect(await halves()).toBe(0);
      }
    },
  );
}

test('both halves may be staged by two processes at once', async () => {
  const { model, changes } = story('once');
  for (let round = 0; round < 10; round += 1) {
    await begin();
    const [written, gone, come] = changes;
    if (written === undefined || gone === undefined || come === undefined)
      throw new Error('three changes were expected');
    await stageBatch(world.db, { changes: [written] }, settings.reading);
    await world.run([[{ changes: [gone] }], [{ changes: [come] }]], settings);
    expect(await world.differences(model)).toEqual([]);
    expect(await halves()).toBe(0);
  }
});

test('so may the halves and what the row was before', async () => {
  const { model, changes } = story('twice');
  const [created, updated, gone, come] = changes as [Change, Change, Change, Change];
  const shares: Change[][][] = [
    [[created], [updated], [gone], [come]],
    [
      [created, updated],
      [gone, come],
    ],
    [[created, updated], [come], [gone]],
    [[gone], [created, come], [updated]],
  ];
  for (let round = 0; round < 40; round += 1) {
    await begin();
    const batches = (shares[round % shares.length] ?? []).map((share) => [{ changes: share }]);
    await world.run(batches, settings);
    expect(await world.differences(model)).toEqual([]);
  }
});

test('what comes a second time changes nothing', async () => {
  const { model, changes } = story('once');
  await world.run(
    [[...changes, ...changes, ...changes.toReversed()].map((change) => ({ changes: [change] }))],
    settings,
  );
  expect(await world.differences(model)).toEqual([]);
});

test('the second half does not bring back what a truncate took', async () => {
  const { changes } = story('once');
  const [written, gone, come] = changes as [Change, Change, Change];
  const truncate: Change = { table: 'activity_logs', op: 'truncate', position: { epoch: 1, lsn: 10_000n } };
  for (const order of [
    [written, come, truncate, gone],
    [written, gone, truncate, come],
  ]) {
    await begin();
    for (const change of order) await stageBatch(world.db, { changes: [change] }, settings.reading);
    expect(await world.db.query('SELECT id FROM state.image_activity_logs WHERE live')).toEqual([]);
  }
});

test('a row that can be read once its metadata has come is not listed as rejected', async () => {
  const model = new SourceModel(FIRST_TODAY);
  const done = submission('2101-01-01');
  model.apply({
    kind: 'write',
    slot: 1,
    written: { ...done, row: { ...done.row, activity_type: 'completion', metadata: '{"state": 1}' } } as WrittenRow,
    toast: false,
  });
  model.apply({ kind: 'rekey', table: 'activity_logs', slot: 1, to: 2, toast: true });
  const [written, gone, come] = model.changes.map(split) as [Change, Change, Change];
  await stageBatch(world.db, { changes: [gone] }, settings.reading);
  const gate = new Gate();
  const staged = stageBatch(heldAfter(world.db, 'image_read', gate), { changes: [come] }, settings.reading);
  await gate.reached;
  await stageBatch(world.db, { changes: [written] }, settings.reading);
  gate.open();
  await staged;
  expect(await world.db.query('SELECT metadata FROM state.image_activity_logs WHERE live')).toEqual([
    { metadata: '{"state":1}' },
  ]);
  expect(await world.db.query('SELECT origin, reason FROM rejected_change')).toEqual([]);
});
