import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { FIRST_TODAY, type WrittenRow } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { testSettings } from '../support/settings.ts';

const settings = testSettings();
let world: World;

beforeAll(async () => {
  world = await World.create('moved');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
});

/** A late submission: only its metadata says that it was late. */
const late: WrittenRow = {
  table: 'activity_logs',
  row: {
    student_id: '00000000-0000-4000-8000-000000000001',
    course_id: '00000000-0000-4000-8000-0000000000c1',
    activity_type: 'submission',
    resource_id: 'essay',
    duration_seconds: null,
    timestamp: (FIRST_TODAY - 2) * 86_400_000,
    metadata: '{"due_at": "2001-01-01"}',
  },
};

async function punctuality(): Promise<unknown> {
  const [row] = await world.db.query<{ punctuality_score: string | null }>(
    'SELECT punctuality_score FROM engagement_features',
  );
  return row?.punctuality_score;
}

const move = (slot: number, to: number) => ({ kind: 'rekey', table: 'activity_logs', slot, to, toast: true }) as const;

test('a row whose id changes keeps the metadata that the source does not send again', async () => {
  const model = new SourceModel(FIRST_TODAY);
  model.apply({ kind: 'write', slot: 1, written: late, toast: false });
  model.apply(move(1, 2));
  const [written, gone, come] = model.changes;
  if (written === undefined || gone === undefined || come === undefined) throw new Error('three changes were expected');
  expect(come).not.toHaveProperty('after.metadata');
  for (const batches of [
    [[written, gone, come]],
    [[written], [gone, come]],
    [[written], [gone], [come]],
    [[written], [come], [gone]],
  ]) {
    await world.reset();
    await beginCalendar(world.db, FIRST_TODAY);
    await world.run([batches.map((changes) => ({ changes }))], settings);
    expect(await punctuality()).toBe('0.00');
    expect(await world.differences(model)).toEqual([]);
  }
});

test('also when it moves on, and back, in one batch', async () => {
  const model = new SourceModel(FIRST_TODAY);
  model.apply({ kind: 'write', slot: 1, written: late, toast: false });
  model.apply(move(1, 2));
  model.apply(move(2, 3));
  model.apply(move(3, 1));
  await world.run([[{ changes: model.changes }]], settings);
  expect(await world.differences(model)).toEqual([]);
});

test('an id that is used again is not mistaken for the row that left it', async () => {
  const model = new SourceModel(FIRST_TODAY);
  model.apply({ kind: 'write', slot: 1, written: late, toast: false });
  model.apply(move(1, 2));
  const moved = [...model.changes];
  model.apply({
    kind: 'write',
    slot: 1,
    written: { ...late, row: { ...late.row, metadata: null } } as WrittenRow,
    toast: false,
  });
  await world.run([[{ changes: model.changes }, { changes: moved }]], settings);
  expect(await world.differences(model)).toEqual([]);
});
