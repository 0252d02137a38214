import { listenToStaging } from '../rows-told.ts';
import { keysInTurn, milliseconds } from './alone.ts';
import { PathObserver } from './path-observer.ts';
import { type Moment, sinceCommit, type Touch } from './touches.ts';
import type { StackWorld } from './world.ts';

const CHANGES = { small: 50, full: 300 };
const TIMEOUT_MS = 30_000;

interface Step extends Touch {
  /** When we heard that the batch with its mark was committed. */
  readonly stagedAt: number;
}

/** Changes made one at a time, each after the one before was seen everywhere: the latency of each step. */
export async function oneByOne(world: StackWorld): Promise<string[]> {
  // Rate 0: every change is requested over REST.
  const observer = await PathObserver.open(world, keysInTurn(world, world.of(CHANGES), 'path'), 0);
  let stagedAt = Number.NaN;
  const staging = await listenToStaging(world.analytics, world.addresses.analytics, () => {
    if (Number.isNaN(stagedAt)) stagedAt = performance.now();
  });
  const steps: Step[] = [];
  try {
    for (const [index, touch] of observer.touches.log.entries()) {
      stagedAt = Number.NaN;
      await observer.touches.make(index);
      for (const until = performance.now() + TIMEOUT_MS; performance.now() < until; await world.pause(1))
        if (touch.decodedAt > 0 && touch.answeredAt > 0 && touch.toldAt > 0) break;
      steps.push({ ...touch, stagedAt });
    }
  } finally {
    await staging.end();
    await observer.end();
  }
  const at = (moment: Moment): string =>
    [0.1, 0.5, 0.9].map((share) => milliseconds(sinceCommit(steps, moment), share)).join(', ');
  const between = (from: keyof Step, to: keyof Step): string =>
    milliseconds(steps.map((step) => step[to] - step[from]).filter(Number.isFinite), 0.5);
  return [
    `${steps.length} changes one at a time, p10, p50, p90 from the commit: decoded ${at('decodedAt')}; in the table ${at('visibleAt')}; answered ${at('answeredAt')}; on the topic ${at('toldAt')}`,
    `  step by step, p50: Debezium and Kafka ${between('committedAt', 'decodedAt')}; from there staged after ${between('decodedAt', 'stagedAt')}, derived after ${between('stagedAt', 'visibleAt')}; then answered after ${between('visibleAt', 'answeredAt')}, on the topic after ${between('visibleAt', 'toldAt')}`,
  ];
}
