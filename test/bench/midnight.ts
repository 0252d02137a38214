import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDay, MS_PER_DAY } from '#libs/domain/local-date.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { randomFrom } from '../../services/sandbox/campus/random.ts';
import { type ClassCosts, classCosts } from './class-costs.ts';
import { atRandom, shuffled } from './load.ts';
import { Meter, type Usage } from './measure.ts';
import { Observer, type Seen } from './observer.ts';
import { Place } from './place.ts';
import { type Product, untilCaughtUp } from './product.ts';
import { openProfile } from './profile.ts';
import { type BenchmarkResult, figure, quantile } from './report.ts';
import type { World } from './world.ts';

const PROGRAM = 'test/bench/midnight-child.ts';
const CHANGES_PER_SECOND = 50;
/** Changes after midnight is over, for comparison. */
const AT_REST = 500;
const AIMS = { wholeSeconds: 300, p50Ms: 100, p99Ms: 5_000 } as const;
const TIMEOUT_MS = 600_000;

/**
 * (j) Midnight while the campus goes on, and what moves a class afterwards. Twenty courses at full size, so that each has
 * two thousand students.
 */
export async function midnight(world: World): Promise<BenchmarkResult> {
  const shape = { ...world.shape, courses: 5 * Math.max(1, Math.round(4 * world.scale)) };
  const newDay = path.join(world.folder, 'new-day');
  return Place.during(world, 'bench_midnight', shape, async (place) => {
    const start = (profile?: string): Promise<Product> =>
      place.startProduct({ program: PROGRAM, env: { BENCH_NEW_DAY: newDay }, profile });
    await readAsOfYesterday(world, place, await start());
    const profile = openProfile(world, 'midnight');
    const product = await start(profile?.folder);
    try {
      await untilCaughtUp(product, await place.source(), place.analyticsAddress());
      const night = await watchMidnight(world, place, product, () => {
        profile?.begin();
        writeFileSync(newDay, '');
        return formatDay(Math.floor(Date.now() / MS_PER_DAY));
      });
      return resultOf(place, night, await classCosts(world, place, product));
    } finally {
      await product.stop();
      await profile?.end();
    }
  });
}

async function readAsOfYesterday(world: World, place: Place, product: Product): Promise<void> {
  try {
    await untilCaughtUp(product, await place.source(), place.analyticsAddress());
  } finally {
    await product.stop();
  }
  if (world.repeats) await place.db.query('VACUUM ANALYZE');
}

interface Night {
  readonly usage: Usage;
  readonly during: readonly Seen[];
  readonly after: readonly Seen[];
  /** The longest that any statement was seen to run, seconds. */
  readonly longest: number;
}

/**
 * Runs until every key and every class is of the new day; live changes are made throughout, and some afterwards.
 * @param begin starts the day, and returns it
 */
async function watchMidnight(world: World, place: Place, product: Product, begin: () => string): Promise<Night> {
  const rest = Math.min(AT_REST, place.shape.keys >> 2);
  const order = shuffled(place.shape.keys, randomFrom('midnight'));
  const observer = await Observer.open(place, place.db, order);
  const pace = { perSecond: CHANGES_PER_SECOND };
  try {
    const day = begin();
    while ((await stateOf(place.db)).today !== day) await sleep(20);
    const meter = new Meter(world.servers, product.pid);
    const stopping = new AbortController();
    let made = 0;
    const clicks = atRandom(
      order.length - rest,
      'midnight',
      (index) => {
        made = index + 1;
        return observer.touch(index);
      },
      { ...pace, signal: stopping.signal },
    );
    let longest = 0;
    for (let waits = true; waits; await sleep(50)) {
      const state = await stateOf(place.db);
      [waits, longest] = [state.waits, Math.max(longest, state.longest ?? 0)];
      product.requireRunning();
    }
    const usage = meter.read();
    stopping.abort();
    await clicks;
    await observer.untilSeen(0, made, TIMEOUT_MS);
    await atRandom(rest, 'at rest', (index) => observer.touch(order.length - rest + index), pace);
    await observer.untilSeen(order.length - rest, order.length, TIMEOUT_MS);
    await requireAllOf(place.db, day);
    return { usage, during: observer.log.slice(0, made), after: observer.log.slice(-rest), longest };
  } finally {
    await observer.end();
  }
}

interface State {
  readonly today: string;
  readonly waits: boolean;
  readonly longest: number | null;
}

/** What waits for midnight, without what live changes have marked. */
async function stateOf(db: Database): Promise<State> {
  const [state] = await db.query<State>(
    `SELECT today::text,
       EXISTS (SELECT FROM state.key_mark WHERE family IN ('engagement', 'performance', 'anomaly') AND priority IN (1, 2))
         OR EXISTS (SELECT FROM state.course_mark) AS waits,
       (SELECT max(extract(epoch FROM clock_timestamp() - query_start))::float8 FROM pg_stat_activity
        WHERE application_name = 'prepadata midnight' AND state = 'active') AS longest
     FROM state.calendar`,
  );
  if (state === undefined) throw new Error('the calendar has no day');
  return state;
}

/** @throws Error if anything is of another day: the figures would measure work that was not done */
async function requireAllOf(db: Database, day: string): Promise<void> {
  const [other] = await db.query<{ n: number }>(
    `SELECT ((SELECT count(*) FROM engagement_features WHERE as_of_date <> $1::date)
       + (SELECT count(*) FROM anomaly_features WHERE as_of_date <> $1::date)
       + (SELECT count(*) FROM state.course_class WHERE first_day + cardinality(usual) - 1 <> $1::date))::integer AS n`,
    [day],
  );
  if (other?.n !== 0) throw new Error(`${other?.n} rows and classes are not of ${day}`);
}

const visibleOf = (log: readonly Seen[]): number[] =>
  log.map(({ visibleAt, committedAt }) => visibleAt - committedAt).filter(Number.isFinite);

function resultOf({ shape }: Place, night: Night, costs: ClassCosts): BenchmarkResult {
  const [during, after] = [visibleOf(night.during), visibleOf(night.after)];
  const ms = (log: readonly number[], share: number): string => `${figure(quantile(log, share))} ms`;
  const { usage } = night;
  return {
    letter: 'j',
    title: `midnight of ${shape.keys.toLocaleString('en')} keys in ${shape.courses} courses, with ${CHANGES_PER_SECOND} live changes a second`,
    verdicts: [
      {
        what: 'until all is of the new day',
        got: usage.wallMs / 1_000,
        unit: 's',
        bound: 'at most',
        aim: AIMS.wholeSeconds,
        against: `CPU of Node ${figure(usage.node ?? 0)} s, of Postgres ${figure(usage.analytics)} s; no statement longer than ${figure(night.longest)} s`,
      },
      ...(['p50', 'p99'] as const).map((name) => {
        const share = name === 'p50' ? 0.5 : 0.99;
        return {
          what: `${name} of commit to visible meanwhile`,
          got: quantile(during, share),
          unit: 'ms' as const,
          bound: 'at most' as const,
          aim: AIMS[`${name}Ms`],
          against: `at rest ${ms(after, share)}`,
        };
      }),
    ],
    runs: [{ name: 'midnight', values: [shape.keys / (usage.wallMs / 1_000)], unit: 'keys/s', usage }, ...costs.runs],
    notes: [
      `${during.length} changes meanwhile: p90 ${ms(during, 0.9)}, the slowest ${ms(during, 1)}; ${night.during.length + night.after.length - during.length - after.length} never seen`,
      ...costs.notes,
    ],
  };
}
