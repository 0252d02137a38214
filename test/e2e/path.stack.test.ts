import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseDay } from '#libs/domain/local-date.ts';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import { openLog } from '#libs/platform/log.ts';
import {
  type Database,
  type DatabaseAddress,
  isDatabaseFault,
  openDatabase,
} from '#libs/platform/postgres/database.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/platform/postgres/embedded.ts';
import { superviseEmbedded } from '#libs/platform/postgres/supervise.ts';
import { openRegistry } from '#libs/platform/registry/registry.ts';
import { seedCampus } from '../../services/campus/seed.ts';
import { chanceOf } from '../property/disturbance.ts';
import { askOracle, compareFeatures, type Difference, readFeatures } from '../support/oracle.ts';
import { SOURCE_SCHEMA } from '../support/source-schema.ts';
import { connectEnvOf, type OwnStack, ownStack } from '../support/stack.ts';
import { lastOfEach } from '../topics/fakes.ts';
import { bareKafka, readTopics } from '../topics/read-topics.ts';
import { allRows, differences } from '../topics/rows.ts';
import { WRITES, writeOn } from './load.ts';
import { newDataDir } from './program.ts';
import { RoleProcess } from './role-process.ts';

/*
 * The whole way, as it runs in production: Postgres, Debezium, Kafka, every role as a process, feature topics. `STACK_KILLS`
 * says how many kill -9 of any of them there are under load, `STACK_KILLS_SEED` of whom and when.
 */

const KILLS = Number(process.env['STACK_KILLS'] ?? 5);
const SEED = Number(process.env['STACK_KILLS_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const VICTIMS = ['connect', 'engagement', 'broker', 'postgres', 'performance'] as const;
const POSTGRES_SETTINGS = { wal_level: 'logical', max_slot_wal_keep_size: '1GB', wal_sender_timeout: '10s' };

const dataDir = newDataDir();
let stack: OwnStack;
let postgres: EmbeddedPostgres;
let supervised: { stop(): Promise<void> };
let env: Record<string, string>;
let source: DatabaseAddress;
let analytics: DatabaseAddress;
const roles = new Map<string, RoleProcess>();

beforeAll(async () => {
  const options = { folder: path.join(path.dirname(dataDir), 'server'), settings: POSTGRES_SETTINGS };
  postgres = await startEmbeddedPostgres(options);
  supervised = superviseEmbedded('the database server', postgres, options, openLog('silent'));
  await Promise.all([postgres.ensureDatabase('lms'), postgres.ensureDatabase('prepadata')]);
  [source, analytics] = [postgres.address('lms'), postgres.address('prepadata')];
  stack = await ownStack({ connectEnv: connectEnvOf(source) });
  await on(source, async (db) => {
    await db.query(SOURCE_SCHEMA);
    await seedCampus(db, { students: 12, seed: 'path', now: Date.now() });
  });
  env = {
    ...addressEnv('SOURCE_DB', source),
    ...addressEnv('ANALYTICS_DB', analytics),
    CDC_SOURCE: 'kafka',
    KAFKA_BROKERS: stack.addresses.brokers,
    SCHEMA_REGISTRY_URL: stack.addresses.registryUrl,
    CONNECT_URL: stack.addresses.connectUrl,
    API_PORT: '0',
  };
  expect(await new RoleProcess('migrate', env).ended()).toEqual({ code: 0, signal: null });
  for (const role of ['register', 'engagement', 'performance', 'api']) begin(role);
  await Promise.all([...roles.values()].map((role) => role.ready()));
}, 240_000);

afterAll(async () => {
  await Promise.all([...roles.values()].map((role) => role.end('SIGKILL')));
  await supervised?.stop();
  await stack?.stop();
  rmSync(path.dirname(dataDir), { recursive: true, force: true, maxRetries: 5 });
}, 60_000);

function begin(role: string): RoleProcess {
  const begun = new RoleProcess(role, env, role === 'register' ? ['--watch'] : []);
  roles.set(role, begun);
  return begun;
}

async function on<T>(address: DatabaseAddress, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase(address, { connections: 2 });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

async function compare(): Promise<Difference[]> {
  const today = await on(analytics, (db) => db.query<{ today: string }>('SELECT today FROM state.calendar'));
  const oracle = await askOracle(source, 'public', { today: parseDay(today[0]?.today ?? '') });
  expect(oracle.engagement.length).toBeGreaterThan(20);
  return compareFeatures(oracle, await readFeatures(analytics));
}

/** Nothing is written meanwhile: so what is right once stays so, and what is wrong for long is wrong. */
async function untilEqual(when: string): Promise<void> {
  let found: unknown = 'nothing was compared';
  for (const until = Date.now() + 100_000; Date.now() < until; await sleep(500)) {
    try {
      const differing = await compare();
      if (differing.length === 0) return;
      found = differing.slice(0, 3);
    } catch (error) {
      if (!isDatabaseFault(error)) throw error;
      found = error;
    }
  }
  throw new Error(`${when}: not equal to the oracle: ${JSON.stringify(found)}`);
}

async function lastMessagesDiffer(): Promise<unknown[]> {
  const brokers = [stack.addresses.brokers];
  const admin = openAdmin({ brokers, clientId: 'test', log: openLog('silent') });
  try {
    const received = await readTopics(bareKafka(brokers), admin, openRegistry({ url: stack.addresses.registryUrl }));
    return differences(lastOfEach(received), await on(analytics, allRows));
  } finally {
    await admin.close();
  }
}

async function untilToldOnTopics(): Promise<void> {
  let found: unknown[] = ['nothing was read'];
  for (const until = Date.now() + 60_000; Date.now() < until && found.length > 0; await sleep(300)) {
    found = await lastMessagesDiffer();
  }
  expect(found).toEqual([]);
}

/** A row that changes its id comes in two halves, by two partitions. */
const ALL_WRITES = [
  ...WRITES,
  'UPDATE activity_logs SET id = gen_random_uuid() WHERE id IN (SELECT id FROM activity_logs ORDER BY random() LIMIT 2)',
];

async function kill(victim: (typeof VICTIMS)[number]): Promise<void> {
  if (victim === 'postgres') {
    const [server] = await on(source, (db) =>
      db.query<{ pid: number }>(`SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::integer AS pid`),
    );
    process.kill(server?.pid ?? 0, 'SIGKILL');
  } else if (victim === 'connect' || victim === 'broker') {
    await stack.kill(victim);
    await stack.start(victim);
  } else {
    await roles.get(victim)?.end('SIGKILL');
    await begin(victim).ready();
  }
}

test('the first reading, then every kind of change, comes to the tables and to the topics', async () => {
  await untilEqual('after the first reading');
  await on(source, async (db) => {
    for (const text of ALL_WRITES) await db.query(text);
    await db.query('ALTER TABLE activity_logs ADD COLUMN device text');
    await db.query('ALTER TABLE grades REPLICA IDENTITY FULL');
    for (const text of ALL_WRITES) await db.query(text);
    await db.query(`INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, timestamp)
                    SELECT student_id, course_id, grade_item, grade_value, grade_max, timestamp FROM grades`);
    await db.query(`INSERT INTO activity_logs (student_id, course_id, activity_type)
                    SELECT student_id, course_id, 'login' FROM enrollments CROSS JOIN generate_series(1, 300) LIMIT 10000`);
  });
  await untilEqual('after all kinds of changes');
  await untilToldOnTopics();
  await on(source, (db) => db.query('TRUNCATE grades'));
  await untilEqual('after a truncate');
  await untilToldOnTopics();
}, 400_000);

test(
  `kill -9 of anything under load loses nothing and doubles nothing (seed ${SEED}, ${KILLS} kills)`,
  async () => {
    console.log(`kills: STACK_KILLS_SEED=${SEED} STACK_KILLS=${KILLS}`);
    const chance = chanceOf(SEED);
    const shift = Math.floor(chance() * VICTIMS.length);
    await on(source, async (db) => {
      for (let round = 0; round < KILLS; round += 1) {
        // Each in turn from a random one on, so that a short run has them all.
        const victim = VICTIMS[(round + shift) % VICTIMS.length] ?? 'connect';
        const load = writeOn(db, ALL_WRITES);
        await sleep(100 + chance() * 1_500);
        await kill(victim);
        await sleep(300);
        await load.stop();
        await untilEqual(`round ${round}, ${victim} killed`);
      }
    });
    await untilToldOnTopics();
  },
  60_000 + KILLS * 120_000,
);
