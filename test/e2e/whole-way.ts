import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { messageOf } from '#libs/domain/errors.ts';
import { parseDay } from '#libs/domain/local-date.ts';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
import { superviseEmbedded } from '#libs/platform/embedded-postgres/supervise.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import type { Watermarks } from '#libs/platform/kafka/contract.ts';
import { openLog } from '#libs/platform/log.ts';
import {
  type Database,
  type DatabaseAddress,
  isDatabaseFault,
  openDatabase,
} from '#libs/platform/postgres/database.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { KAFKA_USERS } from '../../services/sandbox/stack/secure/credentials.ts';
import { askPlainly, clientOf } from '../support/cluster.ts';
import {
  askOracle,
  compareFeatures,
  type Difference,
  type PrintedFeatures,
  readCourseIds,
  readFeatures,
} from '../support/oracle.ts';
import { SOURCE_SCHEMA } from '../support/source-schema.ts';
import { statementsOf } from '../support/sql-script.ts';
import { connectEnvOf, type OwnStack, ownStack, useSecurity } from '../support/stack.ts';
import { lastOfEach } from '../topics/fakes.ts';
import { readTopics } from '../topics/read-topics.ts';
import { until as untilTrue } from '../topics/relays.ts';
import { allRows, differences } from '../topics/rows.ts';
import { WRITES } from './load.ts';
import { newDataDir } from './program.ts';
import { RoleProcess } from './role-process.ts';

/** What an administrator of the school's database runs, and the login that it creates. */
const ADMIN_SQL = ['source.sql', 'debezium.sql'].map((name) =>
  readFileSync(new URL(`../../connectors/${name}`, import.meta.url), 'utf8'),
);
const READER = { user: 'prepadata_reader', password: 'change-me' };
const POSTGRES_SETTINGS = { wal_level: 'logical', max_slot_wal_keep_size: '1GB', wal_sender_timeout: '10s' };

/** A row that changes its id arrives in two halves, on two partitions. */
export const ALL_WRITES = [
  ...WRITES,
  'UPDATE activity_logs SET id = gen_random_uuid() WHERE id IN (SELECT id FROM activity_logs ORDER BY random() LIMIT 2)',
];

/** Looks seldom, because each look asks another process. */
export const until = (what: string, condition: () => Promise<boolean>): Promise<void> =>
  untilTrue(what, condition, LOOK_MS);
const LOOK_MS = 100;
/** Far longer than anything should take: what is not equal by then is held up, or lost. */
const EQUAL_MS = 240_000;
/** Of each log, in the message of a failed comparison. */
const LAST_CHARACTERS = 3_000;

/** How a program is started; `name` tells several of one role apart. */
export interface Begin {
  readonly name?: string;
  readonly args?: readonly string[];
}

/** The oracle's answer, and the question it was asked. */
interface Oracle {
  readonly asked: string;
  readonly features: PrintedFeatures;
}

/** What a process last reported about itself. */
export interface Report {
  /** Changes staged since its start. */
  readonly staged: bigint;
  /** The state of its source. */
  readonly detail: string;
}

/**
 * The whole way as it runs in production, all of it the test's own: Postgres, Debezium, Kafka, every role as a process.
 * The school's tables are exactly an LMSConnector's, made and written under the school's own login; roles and connector
 * use the login that connectors/source.sql makes.
 */
export class WholeWay {
  readonly stack: OwnStack;
  /** Logged in as the school. */
  readonly source: DatabaseAddress;
  readonly analytics: DatabaseAddress;
  readonly env: Readonly<Record<string, string>>;
  readonly #roles = new Map<string, RoleProcess>();
  readonly #databases = new Map<DatabaseAddress, Database>();
  /** The folder of the database server. */
  readonly #folder: string;
  readonly #release: () => Promise<void>;

  constructor(stack: OwnStack, postgres: EmbeddedPostgres, folder: string, release: () => Promise<void>) {
    this.stack = stack;
    this.#folder = folder;
    this.#release = release;
    this.source = postgres.address('lms');
    this.analytics = postgres.address('prepadata');
    this.env = {
      ...addressEnv('SOURCE_DB', { ...this.source, ...READER }),
      ...addressEnv('ANALYTICS_DB', this.analytics),
      CDC_SOURCE: 'kafka',
      API_PORT: '0',
      ...stack.envOf(),
    };
  }

  /** Starts the servers and seeds a campus of a few students; no role runs yet. */
  static async open(): Promise<WholeWay> {
    const folder = path.dirname(newDataDir());
    const tls = useSecurity()?.tls;
    const options = { folder: path.join(folder, 'server'), settings: POSTGRES_SETTINGS, ...(tls && { tls }) };
    const postgres = await startEmbeddedPostgres(options);
    const supervised = superviseEmbedded('the database server', postgres, options, openLog('silent'));
    const release = async (): Promise<void> => {
      await supervised.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    };
    try {
      await Promise.all([postgres.ensureDatabase('lms'), postgres.ensureDatabase('prepadata')]);
      const connectEnv = connectEnvOf({ ...postgres.address('lms'), ...READER });
      const stack = await ownStack({ connectEnv, rights: 'least' });
      const way = new WholeWay(stack, postgres, options.folder, release);
      await way.onSource(async (db) => {
        await db.query(SOURCE_SCHEMA);
        // As many as a class needs to be judged: with fewer, nothing about attention would be compared.
        await seedCampus(db, { students: 20, seed: 'path', now: Date.now() });
      });
      await on(postgres.admin('lms'), async (admin) => {
        for (const statement of ADMIN_SQL.flatMap(statementsOf)) await admin.query(statement);
      });
      return way;
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** The same, plus the connector and one process of every role. */
  static async start(): Promise<WholeWay> {
    const way = await WholeWay.open();
    try {
      expect(await new RoleProcess('migrate', way.env).ended()).toEqual({ code: 0, signal: null });
      way.begin('register', { args: ['--watch'] });
      for (const role of ['engagement', 'performance', 'anomaly', 'api']) way.begin(role);
      await Promise.all([...way.#roles.values()].map((role) => role.ready()));
      return way;
    } catch (error) {
      await way.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#roles.values()].map((role) => role.end('SIGKILL')));
    await Promise.all([...this.#databases.values()].map((db) => db.close()));
    await this.stack.stop();
    await this.#release();
  }

  /** Sends SIGKILL to the database server, which its supervisor starts again. */
  killPostgres(): void {
    const [pid = ''] = readFileSync(path.join(this.#folder, 'data/postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), 'SIGKILL');
  }

  /** Starts a process of a role; it replaces an earlier one of that name. */
  begin(role: string, { name = role, args = [] }: Begin = {}): RoleProcess {
    const begun = new RoleProcess(role, this.envOf(role), args);
    this.#roles.set(name, begun);
    return begun;
  }

  /** The environment of a role's process; on a secured cluster it includes the role's own login. */
  envOf(role: string): Readonly<Record<string, string>> {
    const user = role === 'register' ? 'connector' : KAFKA_USERS.find((name) => name === role);
    return { ...this.env, ...this.stack.envOf(user) };
  }

  /** Ends a process gracefully, if there is one of that name. */
  async end(name: string): Promise<void> {
    await this.#roles.get(name)?.end('SIGTERM');
    this.#roles.delete(name);
  }

  role(name: string): RoleProcess {
    const found = this.#roles.get(name);
    if (found === undefined) throw new Error(`no process was started as ${name}`);
    return found;
  }

  onSource<T>(work: (db: Database) => Promise<T>): Promise<T> {
    return work(this.#open(this.source));
  }

  onAnalytics<T>(work: (db: Database) => Promise<T>): Promise<T> {
    return work(this.#open(this.analytics));
  }

  #open(address: DatabaseAddress): Database {
    const known = this.#databases.get(address) ?? openDatabase(address, { connections: 2 });
    this.#databases.set(address, known);
    return known;
  }

  /** What each process of a role last reported about itself, by process id. */
  async reports(role: string): Promise<ReadonlyMap<number, Report>> {
    const rows = await this.onAnalytics((db) =>
      db.query<Report & { pid: number }>(
        `SELECT pid, staged, source->>'detail' AS detail FROM state.instance
          WHERE $1 = ANY (roles) AND heard_at > now() - interval '6 seconds'`,
        [role],
      ),
    );
    return new Map(rows.map(({ pid, ...report }) => [pid, report]));
  }

  /** The first and last offset of every partition of these change topics, by the name under which its progress is kept. */
  async marks(...tables: readonly string[]): Promise<ReadonlyMap<string, Watermarks>> {
    const admin = openAdmin(clientOf(this.stack.as('admin')));
    try {
      const marks = await admin.watermarks(tables.map((table) => `lms.public.${table}`));
      return new Map(marks.map((mark) => [`kafka:${mark.topic}:${mark.partition}`, mark]));
    } finally {
      await admin.close();
    }
  }

  /** Waits until the API first says that it is ready. */
  async untilReady(): Promise<void> {
    let said = '';
    for (const until = Date.now() + 150_000; Date.now() < until; await sleep(20)) {
      const answer = await this.#askReady();
      said = await answer.text();
      if (answer.status === 200) return;
    }
    throw new Error(`not ready: ${said}`);
  }

  #askReady(): Promise<Response> {
    return fetch(`${this.role('api').output.split('\n')[0]}/api/ready`);
  }

  /** Nothing is written meanwhile, so whatever is right once stays right, and whatever stays wrong is wrong. */
  async untilEqual(when: string): Promise<void> {
    let found: unknown = 'nothing was compared';
    let oracle: Oracle | undefined;
    for (const end = Date.now() + EQUAL_MS; Date.now() < end; await sleep(LOOK_MS)) {
      try {
        oracle = await this.#oracle(oracle);
        const differing = compareFeatures(oracle.features, await readFeatures(this.analytics));
        if (differing.length === 0) return;
        found = differing.slice(0, 3);
      } catch (error) {
        if (!isDatabaseFault(error)) throw error;
        found = error;
      }
    }
    throw new Error(`${when}: not equal to the oracle: ${JSON.stringify(found)}\n${await this.#situation()}`);
  }

  /** Where changes are held up, for whoever reads a failed test: what each part says of itself. */
  async #situation(): Promise<string> {
    const asked = async (what: string, ask: () => Promise<unknown>): Promise<string> =>
      `${what}: ${await ask().then(
        (answer) => JSON.stringify(answer, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
        messageOf,
      )}`;
    const { connect } = this.stack.as('connector');
    const progress = 'SELECT stream, applied FROM stream_progress ORDER BY stream';
    return [
      ...(await Promise.all([
        asked('ready', async () => (await this.#askReady()).json()),
        asked('connector', async () => JSON.parse((await askPlainly(connect, '/connectors?expand=status')).text)),
        asked('ends of the topics', async () => [...(await this.marks(...SOURCE_TABLES))]),
        asked('applied', () => this.onAnalytics((db) => db.query(progress))),
      ])),
      ...[...this.#roles].map(([name, { output }]) => `${name}:\n${output.slice(-LAST_CHARACTERS)}`),
      `Connect:\n${readFileSync(this.stack.connect.logFile, 'utf8').slice(-LAST_CHARACTERS)}`,
    ].join('\n');
  }

  /** What differs at this moment between what is served and the oracle. */
  async differences(): Promise<Difference[]> {
    const { features } = await this.#oracle();
    return compareFeatures(features, await readFeatures(this.analytics));
  }

  /** @param known its earlier answer about the same source; it is asked again only for another day or other courses */
  async #oracle(known?: Oracle): Promise<Oracle> {
    const [days, courseIds] = await this.onAnalytics((db) =>
      Promise.all([db.query<{ today: string }>('SELECT today FROM state.calendar'), readCourseIds(db)]),
    );
    const asked = JSON.stringify([days, [...courseIds]]);
    if (known?.asked === asked) return known;
    const features = await askOracle(this.source, 'public', { today: parseDay(days[0]?.today ?? '') }, courseIds);
    expect(features.engagement.length).toBeGreaterThan(20);
    expect(features.compat_metrics?.length).toBeGreaterThan(20);
    expect(features.classes.some(({ usual }) => usual !== null)).toBe(true);
    return { asked, features };
  }

  /** Waits until the last message of each key on the feature topics equals its row. */
  async untilToldOnTopics(): Promise<void> {
    let found: unknown[] = ['nothing was read'];
    for (const until = Date.now() + 100_000; Date.now() < until && found.length > 0; await sleep(300)) {
      found = await this.#lastMessagesDiffer();
    }
    expect(found).toEqual([]);
  }

  async #lastMessagesDiffer(): Promise<unknown[]> {
    const received = await readTopics(this.stack.as('admin'));
    return differences(lastOfEach(received), await this.onAnalytics(allRows));
  }
}

async function on<T>(address: DatabaseAddress, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase(address, { connections: 2 });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}
