import { randomFrom } from '../../../services/sandbox/campus/random.ts';
import { atRandom, shuffled } from '../load.ts';
import { type BenchmarkResult, type Measured, quantile } from '../report.ts';
import { describeBusy } from './costs.ts';
import { sinceCommit, Touches } from './touches.ts';
import type { StackWorld } from './world.ts';

/** Changes a second at which the way is measured. */
export const RATES = [200, 1_000] as const;
const SECONDS = { small: 2, full: 20 };
/** Not counted. */
export const WARM_UP_SECONDS = { small: 1, full: 4 };
const BULK = { small: 3_000, full: 200_000 };
const ROWS_PER_TRANSACTION = 2_000;
const TIMEOUT_MS = 120_000;

/** This many keys in a seeded order, starting over when all are used up. */
export function keysInTurn(world: StackWorld, count: number, seed: string): number[] {
  const order = shuffled(world.shape.keys, randomFrom(seed));
  return Array.from({ length: count }, (_, index) => order[index % order.length] ?? 0);
}

export const milliseconds = (values: readonly number[], share: number): string =>
  values.length === 0 ? 'never' : `${quantile(values, share).toFixed(2)} ms`;

/** (a) Debezium with nothing behind it: from a commit to a decoded record in a bare consumer, and rows a second. */
export async function alone(world: StackWorld): Promise<BenchmarkResult> {
  await world.throughDebezium();
  const runs: Measured[] = [];
  const notes: string[] = [];
  for (const rate of RATES) {
    const before = world.costs.read();
    const beganAt = performance.now();
    const { measured, missing } = await steady(world, rate);
    const seconds = (performance.now() - beganAt) / 1000;
    for (const share of [0.5, 0.99])
      runs.push({
        name: `commit to decoded at ${rate} changes/s, p${100 * share}`,
        values: [quantile(measured, share)],
        unit: 'ms',
      });
    notes.push(
      `at ${rate}/s: ${measured.length} changes, p99.9 ${milliseconds(measured, 0.999)}, ${missing} never seen; ${describeBusy(before, world.costs.read(), seconds)}`,
    );
  }
  runs.push(await bulk(world, notes));
  return { letter: 'a', title: 'Debezium alone, into a consumer that only decodes', verdicts: [], runs, notes };
}

async function steady(world: StackWorld, rate: number): Promise<{ measured: number[]; missing: number }> {
  const warmUp = rate * world.of(WARM_UP_SECONDS);
  const count = warmUp + rate * world.of(SECONDS);
  const touches = new Touches(world, keysInTurn(world, count, `alone ${rate}`));
  await atRandom(count, `alone ${rate}`, (index) => touches.make(index), { perSecond: rate });
  await touches.until('decodedAt', TIMEOUT_MS);
  const log = touches.log.slice(warmUp);
  const measured = sinceCommit(log, 'decodedAt');
  return { measured, missing: log.length - measured.length };
}

const INSERT = `INSERT INTO activity_logs (id, student_id, course_id, activity_type, resource_id, "timestamp")
  SELECT bench.id('bulk', n), bench.id('student', k / 5), bench.id('course', bench.course_of(k, s.courses)), 'view',
         'r' || n % 40, (now() AT TIME ZONE 'UTC') - interval '1 millisecond' * (n % 86400000)
  FROM bench.shape AS s, generate_series($1::bigint, $2::bigint) AS n CROSS JOIN LATERAL (SELECT n % s.keys AS k) AS key`;

/** Many rows at once, until the last of them is decoded. */
async function bulk(world: StackWorld, notes: string[]): Promise<Measured> {
  const rows = world.of(BULK);
  const before = world.costs.read();
  const decoded = world.bare.decoded;
  const beganAt = performance.now();
  await world.campus.writing(async (writer) => {
    for (let from = 0; from < rows; from += ROWS_PER_TRANSACTION)
      await writer.query(INSERT, [from, Math.min(rows, from + ROWS_PER_TRANSACTION) - 1]);
  });
  const writtenAt = performance.now();
  while (world.bare.decoded < decoded + rows) await world.pause(5);
  const seconds = (performance.now() - beganAt) / 1000;
  notes.push(
    `the bulk of ${rows.toLocaleString('en')} rows was written in ${((writtenAt - beganAt) / 1000).toFixed(1)} of ${seconds.toFixed(1)} s; ${describeBusy(before, world.costs.read(), seconds)}`,
  );
  return { name: 'a bulk load, commit to decoded', values: [rows / seconds], unit: 'rows/s' };
}
