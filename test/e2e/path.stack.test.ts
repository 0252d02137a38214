import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chanceOf } from '../property/disturbance.ts';
import { INSTANCES, type Instance, ITS_TABLES, TwoInstances } from './instances.ts';
import { writeOn } from './load.ts';
import { RoleProcess } from './role-process.ts';
import { ALL_WRITES, until, WholeWay } from './whole-way.ts';

/*
 * The whole way as it runs in production: Postgres, Debezium, Kafka, every role as a process, feature topics. `STACK_KILLS`
 * sets how many kill -9 happen under load, `STACK_BLOWS` how often one of two processes of a role is hit, `STACK_KILLS_SEED`
 * which victims and moments.
 */

const KILLS = Number(process.env['STACK_KILLS'] ?? 4);
const BLOWS = Number(process.env['STACK_BLOWS'] ?? 2);
const SEED = Number(process.env['STACK_KILLS_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const ROLES = ['engagement', 'performance', 'anomaly'] as const;
const VICTIMS = ['connect', 'broker', 'postgres', 'a role'] as const;

/**
 * Between two rounds of the load, some thirty rows each. Without a pause the writer takes one core for itself, and everything else
 * shares the other. A run of many kills, started by its own command, has three times as many changes a second as one beside all
 * other tests.
 */
const PAUSE_MS = process.env['STACK_KILLS'] === undefined ? 100 : 20;

let way: WholeWay;

beforeAll(async () => {
  way = await WholeWay.start();
  console.log(`STACK_KILLS_SEED=${SEED} STACK_KILLS=${KILLS} STACK_BLOWS=${BLOWS}`);
}, 300_000);
afterAll(() => way?.stop(), 60_000);

async function underLoad(work: () => Promise<void>): Promise<void> {
  await way.onSource(async (db) => {
    const load = writeOn(db, ALL_WRITES, PAUSE_MS);
    try {
      await work();
    } finally {
      await load.stop();
    }
  });
}

test('ready means that the initial snapshot is in the tables', async () => {
  await way.untilReady();
  expect(await way.differences()).toEqual([]);
  // Without any, the comparisons from here on would not cover attention.
  expect(
    await way.onAnalytics((db) => db.query('SELECT FROM anomaly_features WHERE attention IS NOT NULL')),
  ).not.toEqual([]);
});

test(
  `of two processes of a role one is killed with -9, then one frozen under load: the other takes over (seed ${SEED}, ${BLOWS} blows)`,
  async () => {
    const chance = chanceOf(SEED);
    const two = await TwoInstances.begin(way);
    for (let round = 0; round < BLOWS; round += 1) {
      const blow = (['killed', 'frozen'] as const)[round % 2] ?? 'killed';
      const [victim, heir]: readonly Instance[] = chance() < 0.5 ? INSTANCES : INSTANCES.toReversed();
      if (victim === undefined || heir === undefined) throw new Error('there are two');
      await underLoad(async () => {
        await two.untilBothWork();
        await sleep(100 + chance() * 1_500);
        await two[blow](victim, heir);
        await two.untilBothWork();
      });
      await way.untilEqual(`${victim} was ${blow}`);
    }
    await way.untilToldOnTopics();
    // The tests after this one want a single process.
    expect(await way.role(INSTANCES[1]).end('SIGTERM')).toEqual({ code: 0, signal: null });
    await way.end(INSTANCES[1]);
  },
  120_000 + BLOWS * 340_000,
);

const sum = (numbers: Iterable<bigint>): bigint => [...numbers].reduce((total, number) => total + number, 0n);
const ends = async (...tables: readonly string[]): Promise<bigint> =>
  sum([...(await way.marks(...tables)).values()].map(({ high }) => high));

test('a second snapshot by signal under load changes nothing that is right', async () => {
  // What the load does not write: whatever arrives of it comes from the snapshot.
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
    // The last of the tables that it reads: new changes follow behind it.
    const end = await ends('activity_logs');
    await until('the stream goes on', async () => (await ends('activity_logs')) > end);
  });
  await way.untilEqual('after a second snapshot');
  await way.untilToldOnTopics();
}, 540_000);

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
}, 540_000);

test('every kind of change comes to the tables and to the topics', async () => {
  await way.onSource(async (db) => {
    for (const text of ALL_WRITES) await db.query(text);
    await db.query('ALTER TABLE activity_logs ADD COLUMN device text');
    await db.query('ALTER TABLE grades REPLICA IDENTITY FULL');
    for (const text of ALL_WRITES) await db.query(text);
    await db.query(`INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, timestamp)
                    SELECT student_id, course_id, grade_item, grade_value, grade_max, timestamp FROM grades`);
    await db.query(`INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp)
                    SELECT student_id, course_id, 'login', now() FROM enrollments CROSS JOIN generate_series(1, 300) LIMIT 5000`);
  });
  await way.untilEqual('after all kinds of changes');
  await way.untilToldOnTopics();
  await way.onSource((db) => db.query('TRUNCATE grades'));
  await way.untilEqual('after a truncate');
  await way.untilToldOnTopics();
}, 540_000);

async function kill(victim: Exclude<(typeof VICTIMS)[number], 'a role'> | (typeof ROLES)[number]): Promise<void> {
  if (victim === 'postgres') {
    way.killPostgres();
  } else if (victim === 'connect' || victim === 'broker') {
    await way.stack.kill(victim);
    await way.stack.start(victim);
  } else {
    await way.role(victim).end('SIGKILL');
    await way.begin(victim).ready();
  }
}

test(
  `kill -9 of anything under load loses nothing and doubles nothing (seed ${SEED}, ${KILLS} kills)`,
  async () => {
    const chance = chanceOf(SEED);
    const shift = Math.floor(chance() * VICTIMS.length);
    for (let round = 0; round < KILLS; round += 1) {
      // Takes turns from a random start, so that even a short run hits each of them.
      const kind = VICTIMS[(round + shift) % VICTIMS.length] ?? 'connect';
      const victim = kind === 'a role' ? (ROLES[Math.floor(chance() * ROLES.length)] ?? 'anomaly') : kind;
      await underLoad(async () => {
        await sleep(100 + chance() * 1_500);
        await kill(victim);
        await sleep(300);
      });
      await way.untilEqual(`round ${round}, ${victim} killed`);
    }
    await way.untilToldOnTopics();
  },
  60_000 + KILLS * 260_000,
);
