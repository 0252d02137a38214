import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rollOver } from '#libs/pipeline/rollover.ts';
import { beginCalendar } from '#libs/store/calendar.ts';
import { testSettings } from '../support/settings.ts';
import { chanceOf, disturb } from './disturbance.ts';
import { FIRST_TODAY } from './rows.ts';
import { SourceModel } from './source-model.ts';
import { stepWith } from './steps.ts';
import { World } from './world.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 60);
const SEED = process.env['PROPERTY_SEED'];
const settings = testSettings();
let world: World;

beforeAll(async () => {
  world = await World.create('property');
});
afterAll(() => world.drop());

const step = stepWith({ writes: 20, deletes: 5, truncates: 1, resyncs: 1, midnights: 2 });

const history = fc.record({
  before: fc.array(step, { maxLength: 25 }),
  after: fc.array(step, { minLength: 1, maxLength: 40 }),
  /** The slot is lost in the middle: the last changes before it never arrive, and a snapshot begins a new epoch. */
  slotLost: fc.boolean(),
  reorder: fc.boolean(),
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
});

test('whatever happens on the way, the stored features equal the oracle', async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ before, after, slotLost, reorder, seed }) => {
      const chance = chanceOf(seed);
      const model = new SourceModel(FIRST_TODAY);
      await world.reset();
      await beginCalendar(world.db, FIRST_TODAY);

      // First life of the slot. When it ends in a loss, some of its last changes are never seen.
      for (const item of before) model.apply(item);
      if (slotLost) {
        const seen = model.changes.slice(0, Math.floor(model.changes.length * chance()));
        await world.run(disturb(seen, chance, reorder), settings);
        model.beginEpoch();
      }
      // A snapshot of what is there, then the stream; the two overtake each other, being on several partitions.
      const snapshot = model.snapshot();
      const from = model.changes.length;
      for (const item of after) model.apply(item);
      const queues = disturb([...snapshot, ...model.changes.slice(from)], chance, reorder);
      const midnight = (): Promise<boolean> => rollOver(world.db, model.today);
      const end = { changes: [], snapshotCompleted: { epoch: model.epoch } };
      await world.run([...queues, [midnight]], settings);
      await world.run([[end]], settings);

      expect(await world.differences(model)).toEqual([]);
    }),
    { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }), reporter: report },
  );
}, 3_600_000);

function report<T>(details: fc.RunDetails<T>): void {
  if (!details.failed) return;
  const replay = `PROPERTY_SEED=${details.seed} PROPERTY_RUNS=${details.numRuns} npx vitest run test/property`;
  throw new Error(`replay with: ${replay}\n${fc.defaultReportMessage(details) ?? ''}`);
}
