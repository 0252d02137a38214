import { randomFrom } from '../../services/sandbox/campus/random.ts';
import { atRandom, CHANGES_PER_SECOND, shuffled } from './load.ts';
import { Meter } from './measure.ts';
import { Observer, type Seen } from './observer.ts';
import { untilCaughtUp } from './product.ts';
import { type BenchmarkResult, quantile } from './report.ts';
import type { World } from './world.ts';

const SECONDS = 20;
const WARM_UP_SECONDS = 3;
/** Changes made one at a time, each after the one before was seen: the latency of the way itself. */
const ALONE = 50;
const AIMS = [
  { name: 'p50', share: 0.5, aim: 8 },
  { name: 'p99', share: 0.99, aim: 40 },
] as const;
/** How long after the last commit a change may still be missing, milliseconds. */
const TIMEOUT_MS = 60_000;

/** (c) From a commit to the feature row that shows it, under a steady load; each key is touched once. */
export async function freshness(world: World): Promise<BenchmarkResult> {
  await world.snapshotTaken();
  const source = await world.source();
  const wanted = CHANGES_PER_SECOND * (world.repeats ? SECONDS : 1);
  const warmUp = CHANGES_PER_SECOND * (world.repeats ? WARM_UP_SECONDS : 0.5);
  const order = shuffled(world.shape.keys, randomFrom('freshness')).slice(0, ALONE + warmUp + wanted);
  const product = await world.startProduct();
  try {
    await untilCaughtUp(product, source, world.analyticsAddress());
    return await world.onAnalytics(async (db) => {
      const observer = await Observer.open(world, db, order);
      try {
        const alone = Math.min(ALONE, Math.floor(order.length / 4));
        for (let index = 0; index < alone; index += 1) {
          await observer.touch(index);
          await observer.untilSeen(index, index + 1, TIMEOUT_MS);
        }
        const meter = new Meter(world.servers, product.pid);
        await atRandom(order.length - alone, 'freshness', (index) => observer.touch(alone + index));
        const usage = meter.read();
        await observer.untilSeen(alone, order.length, TIMEOUT_MS);
        const from = alone + Math.min(warmUp, Math.floor((order.length - alone) / 4));
        return resultOf(observer, observer.log.slice(0, alone), observer.log.slice(from), usage);
      } finally {
        await observer.end();
      }
    });
  } finally {
    await product.stop();
  }
}

const sinceCommit = (log: readonly Seen[], moment: 'decodedAt' | 'visibleAt'): number[] =>
  log.map((seen) => seen[moment] - seen.committedAt).filter(Number.isFinite);

function resultOf(
  observer: Observer,
  alone: readonly Seen[],
  measured: readonly Seen[],
  usage: ReturnType<Meter['read']>,
): BenchmarkResult {
  const visible = sinceCommit(measured, 'visibleAt');
  const bare = sinceCommit(measured, 'decodedAt');
  const at = (values: readonly number[], share: number): string => `${quantile(values, share).toFixed(2)} ms`;
  return {
    letter: 'c',
    title: `from commit to visible feature row at ${CHANGES_PER_SECOND} changes a second, ${measured.length} changes`,
    verdicts: AIMS.map(({ name, share, aim }) => ({
      what: `${name} of commit to visible`,
      got: quantile(visible, share),
      unit: 'ms',
      bound: 'at most',
      aim,
      against: `commit to decoded row by bare pgoutput ${at(bare, share)}`,
    })),
    runs: [{ name: 'the product, p50', values: [quantile(visible, 0.5)], unit: 'ms', usage }],
    notes: [
      `one change at a time: p50 ${at(sinceCommit(alone, 'visibleAt'), 0.5)}, p90 ${at(sinceCommit(alone, 'visibleAt'), 0.9)}`,
      `at the load: p90 ${at(visible, 0.9)}, p99.9 ${at(visible, 0.999)}; ${measured.length - visible.length} never seen`,
      `seen through a notification sent by the commit itself, which takes p50 ${at(observer.channel, 0.5)}, p99 ${at(observer.channel, 0.99)}`,
    ],
  };
}
