import { afterAll, beforeAll, expect, test } from 'vitest';
import { NOTHING } from '../../support/nothing.ts';
import { fill, load } from './load.ts';
import { untilSettled } from './settled.ts';
import { RowWorld } from './world.ts';

/* Lag is never a difference: rows change at full speed while they are compared. NO_FALSE_ALARM_RUNS sets the number of runs. */

const RUNS = Number(process.env['NO_FALSE_ALARM_RUNS'] ?? 3);

let world: RowWorld;
beforeAll(async () => {
  world = await RowWorld.open('no_false_alarm');
  await fill(world.source.db);
  world.begin();
  await untilSettled(world);
});
afterAll(() => world.drop());

test(
  `${RUNS} runs beside writers at full speed find no difference`,
  async ({ signal }) => {
    const writers = load(world.source.address, world.analytics.db);
    const rounds: number[] = [];
    let moving = 0;
    try {
      for (let run = 0; run < RUNS; run += 1) {
        const before = writers.rounds;
        // Small ranges: many snapshots and markers, each in the middle of the writing. A repair spares whatever has changed
        // since it was compared, which would hide a false alarm; a dry run does not.
        const { examples, left, compared, kinds, skipped } = await world.reconcile({
          rangeRows: 300,
          dryRun: run % 2 === 0,
          signal,
        });
        rounds.push(writers.rounds - before);
        expect({ run, examples, left, kinds }).toEqual({ run, examples: [], left: 0, kinds: {} });
        expect(compared).toBeGreaterThan(500);
        moving += skipped;
      }
    } finally {
      await writers.stop();
    }
    expect(world.failure).toBeUndefined();
    // Otherwise nothing was moving.
    expect(moving).toBeGreaterThan(0);
    for (const count of rounds) expect(count).toBeGreaterThan(5);
    await untilSettled(world);
    expect(await world.reconcile({ dryRun: true })).toMatchObject({ left: 0, skipped: 0, kinds: NOTHING });
  },
  60_000 + 120_000 * RUNS,
);
