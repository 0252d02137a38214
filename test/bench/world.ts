import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadConfig } from '#libs/platform/config/config.ts';
import { Lifecycle } from '#libs/platform/lifecycle.ts';
import { openLog } from '#libs/platform/log.ts';
import { type Database, type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { PLANS_OF_QUEUES } from '#libs/store/schema/open.ts';
import { type LocalDatabases, startDatabases } from '../../services/sandbox/local/databases.ts';
import { Campus, type Shape, shapeOf } from './campus.ts';
import { postmasterOf, type Servers } from './measure.ts';
import { Product, type ProductOptions, untilCaughtUp } from './product.ts';
import type { Measured } from './report.ts';
import { makeSuperuser } from './superuser.ts';

/** The servers of one run of the suite, what they contain, and how far the suite has got. */
export class World {
  readonly scale: number;
  readonly shape: Shape;
  readonly databases: LocalDatabases;
  readonly servers: Servers;
  /** Where programs and servers may put files. */
  readonly folder: string;
  readonly profile: string | undefined;
  /** The raw upsert floor in rows a second, measured by the first benchmark that needs it. */
  floor: Measured | undefined;
  readonly #lifecycle: Lifecycle;
  readonly #campus: Campus;
  #source: Database | undefined;
  #hasSnapshot = false;

  private constructor(
    scale: number,
    folder: string,
    lifecycle: Lifecycle,
    databases: LocalDatabases,
    profile?: string,
  ) {
    this.scale = scale;
    this.shape = shapeOf(scale);
    this.folder = folder;
    this.#lifecycle = lifecycle;
    this.databases = databases;
    this.#campus = new Campus(() => databases.source, this.shape);
    this.profile = profile;
    const [source, analytics] = databases.folders.map(postmasterOf);
    this.servers = { source: source ?? 0, analytics: analytics ?? 0 };
  }

  /** Starts both servers as `npm start` does, in a folder that {@link stop} removes. */
  static async start(scale: number, profile?: string): Promise<World> {
    const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-bench-'));
    // Postgres runs as another user when we are root.
    chmodSync(folder, 0o755);
    const log = openLog('silent');
    const lifecycle = new Lifecycle(log);
    lifecycle.add('the folder', async () => rmSync(folder, { recursive: true, force: true }));
    try {
      const databases = await startDatabases(loadConfig({ DATA_DIR: folder }), lifecycle, log);
      const [ofSource = '', ofAnalytics = ''] = databases.folders;
      await makeSuperuser(databases.source, ofSource);
      await makeSuperuser(databases.analytics, ofAnalytics);
      return new World(scale, folder, lifecycle, databases, profile);
    } catch (error) {
      await lifecycle.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop();
  }

  /** At full size runs are repeated, so that drift does not decide; a small run only shows that the benchmarks work. */
  get repeats(): boolean {
    return this.scale >= 1;
  }

  /** The scaled share of a full-size number, at least one. */
  scaled(full: number): number {
    return Math.max(1, Math.round(full * this.scale));
  }

  /** The source, filled at the first call. */
  async source(): Promise<Database> {
    if (this.#source !== undefined) return this.#source;
    const db = await this.#campus.fill();
    this.#source = db;
    this.#lifecycle.add('the connections to the source', () => db.close());
    return db;
  }

  /** Makes this many live changes on the campus. */
  live(count: number): Promise<void> {
    return this.#campus.live(count);
  }

  analyticsAddress(name = this.databases.analytics.database): DatabaseAddress {
    return { ...this.databases.analytics, database: name };
  }

  /** A pool on an analytics database while `work` runs; nobody may be connected when the database is copied. */
  async onAnalytics<T>(work: (db: Database) => Promise<T>, name?: string): Promise<T> {
    // The product's own setting.
    const db = openDatabase(this.analyticsAddress(name), { connections: 4, name: 'bench', settings: PLANS_OF_QUEUES });
    try {
      return await work(db);
    } finally {
      await db.close();
    }
  }

  onServer<T>(work: (db: Database) => Promise<T>): Promise<T> {
    return this.onAnalytics(work, 'postgres');
  }

  /** Starts the product on the source and an analytics database; `fork` names a copy made by {@link fork}. */
  startProduct(
    options: Omit<ProductOptions, 'source' | 'analytics' | 'folder' | 'onSpawn'> = {},
    fork?: string,
  ): Promise<Product> {
    return Product.start({
      ...options,
      source: this.databases.source,
      analytics: this.analyticsAddress(fork),
      folder: this.folder,
      env: { ...(fork === undefined ? {} : { SOURCE_SLOT: fork }), ...options.env },
      onSpawn: (child) => this.keep(child),
    });
  }

  /** Ends a child before the servers, whatever happens. */
  keep(child: ChildProcess): void {
    this.#lifecycle.add('a child', async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    });
  }

  /**
   * Copies what the product knows, analytics database and slot, while no product runs: the copy continues where the
   * original stands, and finds the same changes.
   */
  async fork(name: string): Promise<void> {
    const source = await this.source();
    await this.onServer((db) => db.query(`CREATE DATABASE "${name}" TEMPLATE "${this.databases.analytics.database}"`));
    await source.query(
      "SELECT pg_copy_logical_replication_slot(slot_name, $1 || substring(slot_name FROM '_[0-9]+$')) FROM pg_replication_slots WHERE slot_name LIKE 'prepadata\\_%'",
      [name],
    );
  }

  async dropFork(name: string): Promise<void> {
    const source = await this.source();
    await source.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE $1', [
      `${name}\\_%`,
    ]);
    await this.onServer((db) => db.query(`DROP DATABASE "${name}" WITH (FORCE)`));
  }

  /** After this the product, which is not running, has read and derived everything; done once in a run of the suite. */
  async snapshotTaken(): Promise<void> {
    if (this.#hasSnapshot) return;
    const source = await this.source();
    const product = await this.startProduct();
    await untilCaughtUp(product, source, this.analyticsAddress());
    await product.stop();
    this.noteSnapshot();
  }

  noteSnapshot(): void {
    this.#hasSnapshot = true;
  }
}
