import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import type { Admin, Watermarks } from '#libs/platform/kafka/contract.ts';
import { Lifecycle } from '#libs/platform/lifecycle.ts';
import { openLog } from '#libs/platform/log.ts';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { streamOf } from '#libs/source/kafka/options.ts';
import { ConnectApi } from '../../../services/register/connect-api.ts';
import { PROGRAMS } from '../../../services/sandbox/stack/programs.ts';
import { Addresses } from '../../../services/sandbox/stack/specs.ts';
import { Campus, type Shape, shapeOf } from '../campus.ts';
import { click, newClick } from '../load.ts';
import { makeSuperuser } from '../superuser.ts';
import { type BareReader, readBare } from './bare.ts';
import type { Costs } from './costs.ts';
import { Processes } from './processes.ts';

/** Relative to the campus of the other benchmarks: the initial snapshot is not measured here. */
const CAMPUS = { small: 1 / 200, full: 1 / 5 } as const;
/** `topic.prefix` of the connector, and its name. */
const PREFIX = 'lms';
const PARTITIONS = 4;

/** Everything except the programs that stage, derive or reconcile. */
const NO_ROLES: readonly string[] = ['campus', 'migrate', 'connector', 'api'];
const ROLES = PROGRAMS.map(({ name }) => name).filter((name) => !NO_ROLES.includes(name));

/** When the written changes were staged, derived and sent on, by this process's clock. */
export interface Finished {
  readonly staged: number;
  readonly derived: number;
  readonly told: number;
}

/** Everything that `npm run stack` brings up, started the same way, on a campus that changes only when told to. */
export class StackWorld {
  readonly size: 'small' | 'full';
  readonly campus: Campus;
  readonly addresses: Addresses;
  readonly processes: Processes;
  readonly #lifecycle = new Lifecycle(openLog('silent'));
  readonly #stopping = new AbortController();
  #source: Database | undefined;
  #analytics: Database | undefined;
  #admin: Admin | undefined;
  #bare: BareReader | undefined;

  private constructor(size: 'small' | 'full', folder: string, apiPort: number) {
    this.size = size;
    this.addresses = new Addresses({ apiPort, accessRecord: path.join(folder, 'access.log') });
    this.processes = new Processes(folder, this.addresses, this.#lifecycle, this.#stopping.signal);
    const { addresses } = this;
    this.campus = new Campus(() => addresses.source, shapeOf(CAMPUS[size]));
  }

  /** Starts everything up to the connector, which has read the whole campus; no role runs yet. */
  static async start(size: 'small' | 'full', signal?: AbortSignal): Promise<StackWorld> {
    const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-bench-stack-'));
    // Postgres runs as another user when we are root.
    chmodSync(folder, 0o755);
    const world = new StackWorld(size, folder, await freePort());
    const abort = (): void => world.#stopping.abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await world.#bringUp();
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#lifecycle.stop();
  }

  get shape(): Shape {
    return this.campus.shape;
  }

  get costs(): Costs {
    return this.processes.costs;
  }

  get source(): Database {
    return this.#source ?? notUp('the source');
  }

  get analytics(): Database {
    return this.#analytics ?? notUp('the analytics database');
  }

  get admin(): Admin {
    return this.#admin ?? notUp('the broker');
  }

  get bare(): BareReader {
    return this.#bare ?? notUp('the bare consumer');
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.addresses.apiPort}`;
  }

  /** One of two numbers, by the size. */
  of<T>(sizes: Readonly<Record<'small' | 'full', T>>): T {
    return sizes[this.size];
  }

  /** Starts every role and the API unless they run; resolves once each reports that it is ready. */
  async startRoles(): Promise<void> {
    await Promise.all([...ROLES, 'api' as const].map((name) => this.processes.begin(name)));
  }

  /** Stops the roles; the API goes on. */
  async stopRoles(): Promise<void> {
    await Promise.all(ROLES.map((name) => this.processes.end(name)));
  }

  /** Stops Debezium, and the supervisor that would start it again. */
  async holdConnector(): Promise<void> {
    await this.processes.end('connector');
    await this.#connect().stop();
  }

  async releaseConnector(): Promise<void> {
    await this.#connect().resume();
  }

  async stopBare(): Promise<void> {
    await this.#bare?.stop();
    this.#bare = undefined;
  }

  /** The first and last offsets of each change topic's partitions. */
  marks(): Promise<readonly Watermarks[]> {
    return this.admin.watermarks(this.#topics());
  }

  /** Waits until everything committed at the source by now is in the topics, and the bare consumer has decoded it. */
  async throughDebezium(): Promise<void> {
    const id = newClick();
    let hasArrived = false;
    this.bare.expect(id, () => {
      hasArrived = true;
    });
    await click(this.source, id, 0, this.shape);
    while (!hasArrived) await this.pause();
    // It is the last one; others may still be under way in other partitions.
    await this.bare.untilAt(await this.marks());
  }

  /** Waits until the roles have finished everything that is in the topics now; nothing may be written meanwhile. */
  async finished(): Promise<Finished> {
    await this.#requireOneEpoch();
    const marks = (await this.marks()).filter(({ high }) => high > 0n);
    const wanted = new Map(marks.map((mark) => [streamOf(mark.topic, mark.partition), mark.high]));
    let [staged, derived]: (number | undefined)[] = [];
    for (; ; await this.pause()) {
      const rows = await this.analytics.query<{ stream: string; applied: bigint }>(
        'SELECT stream, applied FROM stream_progress WHERE stream = ANY ($1)',
        [[...wanted.keys()]],
      );
      const applied = new Map(rows.map((row) => [row.stream, row.applied]));
      if ([...wanted].some(([stream, high]) => (applied.get(stream) ?? -1n) < high)) continue;
      staged ??= performance.now();
      // Checked only now: while much is staged, checking means reading what derivers have left behind.
      const [waits] = await this.analytics.query<{ marks: boolean; outbox: boolean }>(
        `SELECT EXISTS (SELECT FROM state.key_mark) OR EXISTS (SELECT FROM state.course_mark) AS marks,
                EXISTS (SELECT FROM outbox) AS outbox`,
      );
      if (waits?.marks !== false) continue;
      derived ??= performance.now();
      if (!waits.outbox) return { staged, derived, told: performance.now() };
    }
  }

  /** Waits between two looks. @throws Error if a part has ended that should not */
  pause(milliseconds?: number): Promise<void> {
    return this.processes.pause(milliseconds);
  }

  async #bringUp(): Promise<void> {
    await Promise.all(
      (['source', 'analytics', 'broker', 'registry'] as const).map((name) => this.processes.begin(name)),
    );
    const { addresses } = this;
    const { logFile } = await this.processes.begin('source');
    await makeSuperuser(addresses.source, path.dirname(logFile));
    const [, source] = await Promise.all([this.processes.begin('connect'), this.campus.fill()]);
    this.#source = source;
    this.#lifecycle.add('the connections to the source', () => source.close());
    const analytics = openDatabase(addresses.analytics, { connections: 4, name: 'bench' });
    this.#analytics = analytics;
    this.#lifecycle.add('the connections to the analytics database', () => analytics.close());
    const admin = openAdmin({ brokers: addresses.brokers.split(','), clientId: 'bench', log: openLog('silent') });
    this.#admin = admin;
    this.#lifecycle.add('the connection to the broker', () => admin.close());
    const config = { 'cleanup.policy': 'delete' };
    await admin.ensureTopics(
      this.#topics().map((topic) => ({ topic, partitions: PARTITIONS, replication: 1, config })),
    );
    this.#bare = await readBare({
      brokers: addresses.brokers,
      registryUrl: addresses.registryUrl,
      topics: this.#topics(),
    });
    this.#lifecycle.add('the bare consumer', () => this.stopBare());
    await this.processes.finish('migrate');
    await this.processes.begin('connector');
    await this.throughDebezium();
    this.costs.watch('the bench itself', process.pid);
  }

  /** @throws Error if the connector began a new epoch, since all measurements would include its second reading of the tables */
  async #requireOneEpoch(): Promise<void> {
    const [row] = await this.analytics.query<{ epoch: number }>('SELECT epoch FROM stream_progress WHERE stream = $1', [
      DEBEZIUM_STREAM,
    ]);
    if (row?.epoch !== 1)
      throw new Error(`the connector is in epoch ${row?.epoch} and not in its first: measure again`);
  }

  #topics(): string[] {
    return SOURCE_TABLES.map((table) => `${PREFIX}.public.${table}`);
  }

  #connect(): ConnectApi {
    return new ConnectApi({ url: this.addresses.connectUrl }, PREFIX, this.#stopping.signal);
  }
}

function notUp(what: string): never {
  throw new Error(`${what} is not up`);
}
