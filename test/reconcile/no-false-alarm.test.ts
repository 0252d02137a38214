import { afterAll, beforeAll, expect, test } from 'vitest';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { NOTHING } from '../support/nothing.ts';
import { ReconcileWorld } from './reconcile-world.ts';
import { fill, load } from './rows/load.ts';

/* The reconcile of rows and of features beside writers at full speed and new days: what is under way is no difference. */

const RUNS = Number(process.env['NO_FALSE_ALARM_RUNS'] ?? 2);

let world: ReconcileWorld;
let days = 0;
beforeAll(async () => {
  world = await ReconcileWorld.open('reconcile_alarm');
  world.clock = { now: () => Date.now() + days * MS_PER_DAY };
  await fill(world.source.db);
  await world.begin();
  await world.settle();
});
afterAll(() => world.drop());

test(
  `${RUNS} reconciles beside writers at full speed find nothing`,
  async ({ signal }) => {
    const writers = load(world.source.address, world.analytics.db);
    let judged = 0;
    try {
      for (let run = 0; run < RUNS; run += 1) {
        const before = writers.rounds;
        // A new day begins in the middle of it: every course moves, and marks all its keys.
        const midnight = setTimeout(() => {
          days += 1;
        }, 700);
        const { verdict, recordsFailed } = await world.reconcile({ dryRun: run % 2 === 0, timeoutMs: 1_000, signal });
        clearTimeout(midnight);
        const { kinds, examples } = verdict;
        expect({ run, kinds, examples, recordsFailed }).toEqual({ run, kinds: {}, examples: [], recordsFailed: 0 });
        expect(writers.rounds - before).toBeGreaterThan(5);
        judged += verdict.features['engagement_features.login_count']?.equal ?? 0;
      }
    } finally {
      await writers.stop();
    }
    // Although everything keeps changing, some of it is at rest at any moment.
    expect(judged).toBeGreaterThan(50 * RUNS);
    await world.settle();
    const { verdict } = await world.reconcile({ dryRun: true });
    expect(verdict).toMatchObject({ kinds: NOTHING, skipped: 0 });
  },
  60_000 + 240_000 * RUNS,
);
