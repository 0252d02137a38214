import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { FIRST_TODAY, type WrittenRow } from '../property/rows.ts';
import { SourceModel } from '../property/source-model.ts';
import { World } from '../property/world.ts';
import { testSettings } from '../support/settings.ts';

const settings: FeatureSettings = { ...testSettings(), topics: true };
let world: World;
let model: SourceModel;

beforeAll(async () => {
  world = await World.create('outbox');
});
afterAll(() => world.drop());
beforeEach(async () => {
  await world.reset();
  await beginCalendar(world.db, FIRST_TODAY);
  model = new SourceModel(FIRST_TODAY);
});

const grade = (value: string): WrittenRow => ({
  table: 'grades',
  row: {
    student_id: '00000000-0000-4000-8000-000000000001',
    course_id: '00000000-0000-4000-8000-0000000000c1',
    grade_item: 'Essay',
    grade_value: value,
    grade_max: '100',
    timestamp: FIRST_TODAY * 86_400_000,
  },
});

/** Commits the step and derives what follows from it. */
async function commit(step: Parameters<SourceModel['apply']>[0]): Promise<void> {
  const from = model.changes.length;
  model.apply(step);
  await world.run([[{ changes: model.changes.slice(from) }]], settings);
}

const outbox = (): Promise<{ topic: string; version: bigint }[]> =>
  world.db.query('SELECT topic, version FROM outbox ORDER BY topic');
const sendAll = (): Promise<unknown> => world.db.query('TRUNCATE outbox');

test('a changed row is noted once, with a version that grows', async () => {
  await commit({ kind: 'write', slot: 1, written: grade('50'), toast: false });
  const [anomaly, first] = await outbox();
  expect([anomaly?.topic, first?.topic]).toEqual(['prepadata.anomaly', 'prepadata.performance']);
  await commit({ kind: 'write', slot: 1, written: grade('60'), toast: false });
  // A single grade gives the same flags whatever its value.
  const [same, second, ...others] = await outbox();
  expect([same, others]).toEqual([anomaly, []]);
  expect(second?.version).toBeGreaterThan(first?.version ?? 0n);
});

test('a row that goes is noted too', async () => {
  await commit({ kind: 'write', slot: 1, written: grade('50'), toast: false });
  await sendAll();
  await commit({ kind: 'delete', table: 'grades', slot: 1 });
  expect((await outbox()).map((row) => row.topic)).toEqual(['prepadata.anomaly', 'prepadata.performance']);
  expect(await world.db.query('SELECT * FROM performance_features')).toEqual([]);
});

test('a re-sync of unchanged data notes nothing', async () => {
  await commit({ kind: 'write', slot: 1, written: grade('50'), toast: false });
  await commit({ kind: 'resync' });
  await sendAll();
  await commit({ kind: 'resync' });
  expect(await outbox()).toEqual([]);
});

test('nothing is noted where the topics are off', async () => {
  model.apply({ kind: 'write', slot: 1, written: grade('50'), toast: false });
  await world.run([[{ changes: model.changes }]], { ...settings, topics: false });
  expect(await outbox()).toEqual([]);
});
