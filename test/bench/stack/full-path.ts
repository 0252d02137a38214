import { atRandom } from '../load.ts';
import { type BenchmarkResult, type Measured, quantile, type Verdict } from '../report.ts';
import { keysInTurn, milliseconds, RATES, WARM_UP_SECONDS } from './alone.ts';
import { describeBusy } from './costs.ts';
import { oneByOne } from './one-by-one.ts';
import { PathObserver } from './path-observer.ts';
import { type Moment, sinceCommit, type Touch } from './touches.ts';
import type { StackWorld } from './world.ts';

const SECONDS = { small: 2, full: 60 };
const TIMEOUT_MS = 120_000;
/** Milliseconds that the product may take beyond Debezium. */
const AIMS = [
  { share: 0.5, aim: 5 },
  { share: 0.99, aim: 15 },
] as const;
const WAYS: readonly { name: string; moment: Moment }[] = [
  { name: 'GET /api/metrics/student/{id}', moment: 'answeredAt' },
  { name: 'feature topic', moment: 'toldAt' },
];

interface AtRate {
  readonly rate: number;
  readonly log: readonly Touch[];
  readonly notes: readonly string[];
}

/** (b) From a commit to what people read, through everything; the bare consumer of (a) reads the same beside it. */
export async function fullPath(world: StackWorld): Promise<BenchmarkResult> {
  await world.startRoles();
  await world.throughDebezium();
  await world.finished();
  const verdicts: Verdict[] = [];
  const runs: Measured[] = [];
  const notes = await oneByOne(world);
  for (const rate of RATES) {
    const measured = await atRate(world, rate);
    verdicts.push(...verdictsOf(measured));
    runs.push(...runsOf(measured));
    notes.push(...measured.notes);
  }
  return {
    letter: 'b',
    title: 'the full path: Debezium, Kafka, the roles, the API and the feature topics',
    verdicts,
    runs,
    notes,
  };
}

async function atRate(world: StackWorld, rate: number): Promise<AtRate> {
  const warmUp = rate * world.of(WARM_UP_SECONDS);
  const count = warmUp + rate * world.of(SECONDS);
  const observer = await PathObserver.open(world, keysInTurn(world, count, `path ${rate}`), rate);
  try {
    const before = world.costs.read();
    const beganAt = performance.now();
    await atRandom(count, `path ${rate}`, (index) => observer.touches.make(index), { perSecond: rate });
    const busy = describeBusy(before, world.costs.read(), (performance.now() - beganAt) / 1000);
    await observer.until(['decodedAt', 'visibleAt', 'toldAt'], TIMEOUT_MS);
    await world.finished();
    await observer.end();
    const log = observer.touches.log.slice(warmUp);
    return { rate, log, notes: notesOf(rate, log, observer, busy, world.bare.crashes) };
  } catch (error) {
    await observer.end();
    throw error;
  }
}

function verdictsOf({ rate, log }: AtRate): Verdict[] {
  const bare = sinceCommit(log, 'decodedAt');
  return WAYS.flatMap(({ name, moment }) => {
    const times = sinceCommit(log, moment);
    return AIMS.map(({ share, aim }): Verdict => {
      const [ours, alone] = [quantile(times, share), quantile(bare, share)];
      return {
        what: `commit to ${name} at ${rate}/s, p${100 * share} beyond Debezium alone`,
        got: ours - alone,
        unit: 'ms',
        bound: 'at most',
        aim,
        against: `${ours.toFixed(2)} ms, of which Debezium alone ${alone.toFixed(2)} ms: ${(ours / alone).toFixed(2)} ×`,
      };
    });
  });
}

const runsOf = ({ rate, log }: AtRate): Measured[] =>
  [{ name: 'Debezium alone', moment: 'decodedAt' as const }, ...WAYS].flatMap(({ name, moment }) =>
    [0.5, 0.99, 0.999].map((share) => ({
      name: `${name} at ${rate}/s, p${100 * share}`,
      values: [quantile(sinceCommit(log, moment), share)],
      unit: 'ms',
    })),
  );

function notesOf(rate: number, log: readonly Touch[], observer: PathObserver, busy: string, crashes: number): string[] {
  const visible = sinceCommit(log, 'visibleAt');
  const missing = (['decodedAt', 'visibleAt', 'toldAt'] as const).map(
    (moment) => log.length - sinceCommit(log, moment).length,
  );
  const { channel, answer } = observer.floors;
  return [
    `at ${rate}/s: ${log.length} changes (${sinceCommit(log, 'answeredAt').length} asked for over REST); never decoded, in the table, on the topic: ${missing.join(', ')}; ${busy}`,
    `  from commit to the row in the table p50 ${milliseconds(visible, 0.5)}, p99 ${milliseconds(visible, 0.99)}, p99.9 ${milliseconds(visible, 0.999)}`,
    `  the observing: a row is told of by a notification of its commit (p50 ${milliseconds(channel, 0.5)}, p99 ${milliseconds(channel, 0.99)}), then asked for (at rest p50 ${milliseconds(answer, 0.5)}, p99 ${milliseconds(answer, 0.99)}); the observer itself was late by ${observer.lateness.toFixed(1)} ms at p99${crashes === 0 ? '' : `; the bare consumer has fallen over ${crashes} times`}`,
  ];
}
