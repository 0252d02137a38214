import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { chanceOf } from '../property/disturbance.ts';
import { until } from '../topics/relays.ts';
import { writeOn } from './load.ts';
import { RoleProcess } from './role-process.ts';
import { ALL_WRITES, WholeWay } from './whole-way.ts';

/*
 * Two processes of one role on the whole way, and everything read a second time, always under load. `STACK_KILLS_SEED`
 * says which of the two is hit, and when.
 */

const SEED = Number(process.env['STACK_KILLS_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const INSTANCES = ['engagement', 'engagement 2'] as const;
/** The topics of what the role engagement reads. */
const ITS_TABLES = ['students', 'courses', 'enrollments', 'activity_logs'] as const;
type Instance = (typeof INSTANCES)[number];

let way: WholeWay;

beforeAll(async () => {
  way = await WholeWay.start();
  await way.untilEqual('after the first reading');
}, 300_000);
afterAll(() => way?.stop(), 60_000);

/** How many partitions each of the two reads; 0 while it says something else. */
async function shares(): Promise<number[]> {
  const reports = await way.reports('engagement');
  return INSTANCES.map((name) =>
    Number(/^reading (\d+) partitions$/.exec(reports.get(way.role(name).pid)?.detail ?? '')?.[1] ?? 0),
  );
}

async function staged(): Promise<bigint[]> {
  const reports = await way.reports('engagement');
  return INSTANCES.map((name) => reports.get(way.role(name).pid)?.staged ?? 0n);
}

/** Each has its part of the work, and does it. */
async function untilBothWork(partitions: number): Promise<void> {
  await until('the two share all partitions', async () => {
    const [one = 0, two = 0] = await shares();
    return one > 0 && two > 0 && one + two === partitions;
  });
  const before = await staged();
  await until('both stage changes', async () => (await staged()).every((now, index) => now > (before[index] ?? 0n)));
}

/** Ends it at once. The other one has all when the group has missed it. */
async function killed(victim: Instance, heir: Instance, partitions: number): Promise<void> {
  await way.role(victim).end('SIGKILL');
  await until('the other one reads all', async () => (await shares())[INSTANCES.indexOf(heir)] === partitions);
  await way.begin('engagement', { name: victim }).ready();
}

/** As a machine that stands still for longer than the group waits, and goes on as if nothing had been. */
async function frozen(victim: Instance, heir: Instance): Promise<void> {
  const before = (await shares())[INSTANCES.indexOf(heir)];
  way.role(victim).send('SIGSTOP');
  try {
    // It may hold locks in the database, which the other one then waits for before it says that it reads more.
    await until('the group shares out anew', async () => (await shares())[INSTANCES.indexOf(heir)] !== before);
  } finally {
    way.role(victim).send('SIGCONT');
  }
}

const BLOWS = [killed, frozen, killed] as const;

test(`of two instances one is killed with -9, frozen, killed again under load: the other takes over (seed ${SEED})`, async () => {
  console.log(`instances: STACK_KILLS_SEED=${SEED}`);
  const chance = chanceOf(SEED);
  const partitions = (await way.marks(...ITS_TABLES)).size;
  await way.begin('engagement', { name: INSTANCES[1] }).ready();
  for (const blow of BLOWS) {
    const [victim, heir]: readonly Instance[] = chance() < 0.5 ? INSTANCES : INSTANCES.toReversed();
    if (victim === undefined || heir === undefined) throw new Error('there are two');
    await underLoad(async () => {
      await untilBothWork(partitions);
      await sleep(100 + chance() * 1_500);
      await blow(victim, heir, partitions);
      await untilBothWork(partitions);
    });
    await way.untilEqual(`${victim} was ${blow.name}`);
  }
  await way.untilToldOnTopics();
  expect(await way.role(INSTANCES[1]).end('SIGTERM')).toEqual({ code: 0, signal: null });
}, 600_000);

afterEach(async () => {
  // The tests after the first want one alone.
  await way.end(INSTANCES[1]);
});

async function underLoad(work: () => Promise<void>): Promise<void> {
  await way.onSource(async (db) => {
    const load = writeOn(db, ALL_WRITES);
    try {
      await work();
    } finally {
      await load.stop();
    }
  });
}

const sum = (numbers: Iterable<bigint>): bigint => [...numbers].reduce((total, number) => total + number, 0n);
const ends = async (...tables: readonly string[]): Promise<bigint> =>
  sum([...(await way.marks(...tables)).values()].map(({ high }) => high));

test('a second snapshot by signal under load changes nothing that is right', async () => {
  // What the load does not write, so that whatever comes of it is from the snapshot.
  const [rows] = await way.onSource((db) =>
    db.query<{ count: bigint }>('SELECT (SELECT count(*) FROM students) + (SELECT count(*) FROM courses) AS count'),
  );
  const before = await ends('students', 'courses');
  await underLoad(async () => {
    const ordered = new RoleProcess('register', way.env, ['--snapshot']);
    expect(await ordered.ended()).toEqual({ code: 0, signal: null });
    await until(
      'every row is sent again',
      async () => (await ends('students', 'courses')) >= before + BigInt(rows?.count ?? 0),
    );
    // The last of the tables that it reads: changes come behind it again.
    const end = await ends('activity_logs');
    await until('the stream goes on', async () => (await ends('activity_logs')) > end);
  });
  await way.untilEqual('after a second snapshot');
  await way.untilToldOnTopics();
}, 400_000);

test('offsets set back to zero under load: everything is read again, and comes to the same', async () => {
  for (const role of ['engagement', 'performance'])
    expect(await way.role(role).end('SIGTERM')).toEqual({ code: 0, signal: null });
  await way.onAnalytics((db) => db.query(`UPDATE stream_progress SET applied = 0 WHERE stream LIKE 'kafka:%'`));
  const [ofEngagement, ofPerformance] = [await ends(...ITS_TABLES), await ends('grades')];
  await underLoad(async () => {
    for (const role of ['engagement', 'performance']) await way.begin(role).ready();
    const again = async (role: string): Promise<bigint> =>
      (await way.reports(role)).get(way.role(role).pid)?.staged ?? 0n;
    await until('all activity is read again', async () => (await again('engagement')) >= ofEngagement);
    await until('all grades are read again', async () => (await again('performance')) >= ofPerformance);
  });
  await way.untilEqual('after everything was read again');
  await way.untilToldOnTopics();
}, 400_000);
