import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication';
import type { Database } from '#libs/platform/postgres/database.ts';
import { click, keyIds, newClick } from './load.ts';
import type { World } from './world.ts';

/**
 * Tells whoever listens of each feature row that is written: Postgres delivers it after the commit that shows the row,
 * so it is never early; what it takes itself is measured beside it. It works inside the product's transactions and makes
 * them no faster.
 */
const TELL = `
  CREATE SCHEMA bench;
  CREATE FUNCTION bench.tell() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_notify('bench', new.student_id || ' ' || new.course_id || ' ' || coalesce(new.events_count, 0));
    RETURN NULL;
  END $$;
  CREATE TRIGGER bench_tell AFTER INSERT OR UPDATE ON engagement_features FOR EACH ROW EXECUTE FUNCTION bench.tell()`;

/** Moments of one change, of this process's clock. NaN: not yet. */
export interface Seen {
  /** Its COMMIT had returned. */
  committedAt: number;
  /** A reader that does nothing else had decoded it. */
  decodedAt: number;
  /** The feature row that counts it was committed, and we had heard of it. */
  visibleAt: number;
}

/** Makes changes, one a key, and notes when each is seen. */
export class Observer {
  readonly log: readonly Seen[];
  /** From the sending of a notification to its arrival: an upper bound of what the observing adds. */
  channel: readonly number[] = [];
  readonly #world: World;
  readonly #db: Database;
  readonly #source: Database;
  readonly #order: readonly number[];
  readonly #byId = new Map<string, Seen>();
  readonly #onEnd: (() => Promise<unknown>)[] = [];

  private constructor(world: World, db: Database, source: Database, order: readonly number[]) {
    this.#world = world;
    this.#db = db;
    this.#source = source;
    this.#order = order;
    this.log = order.map(() => ({ committedAt: Number.NaN, decodedAt: Number.NaN, visibleAt: Number.NaN }));
  }

  /** @param order the keys to touch, each once */
  static async open(world: World, db: Database, order: readonly number[]): Promise<Observer> {
    const observer = new Observer(world, db, await world.source(), order);
    await observer.#listen();
    await observer.#followBare();
    return observer;
  }

  /** Touches the key at this place of the order; resolves when that is committed. */
  async touch(index: number): Promise<void> {
    const seen = this.log[index];
    if (seen === undefined) return;
    // The bare reader may be faster than the answer to the commit.
    const id = newClick();
    this.#byId.set(id, seen);
    await click(this.#source, id, this.#order[index] ?? 0, this.#world.shape);
    seen.committedAt = performance.now();
  }

  /** Waits until the changes from one place of the order to before another are seen, or the time is over. */
  async untilSeen(from: number, to: number, patienceMs: number): Promise<void> {
    const until = performance.now() + patienceMs;
    const waits = (): boolean => this.log.slice(from, to).some((seen) => Number.isNaN(seen.visibleAt));
    while (performance.now() < until && waits()) await sleep(1);
  }

  async end(): Promise<void> {
    for (const end of this.#onEnd.reverse()) await end();
  }

  async #listen(): Promise<void> {
    const known = await this.#knownKeys();
    await this.#db.query(TELL);
    this.#onEnd.push(() => this.#db.query('DROP SCHEMA bench CASCADE'));
    const listener = new pg.Client(this.#world.analyticsAddress());
    await listener.connect();
    this.#onEnd.push(() => listener.end());
    await listener.query('LISTEN bench');
    this.channel = await measureChannel(this.#db, listener);
    listener.on('notification', ({ payload = '' }) => {
      const [student, course, events] = payload.split(' ');
      const key = known.get(`${student} ${course}`);
      const seen = key === undefined ? undefined : this.log[key.index];
      if (key === undefined || seen === undefined || !Number.isNaN(seen.visibleAt)) return;
      if (Number(events) > key.events) seen.visibleAt = performance.now();
    });
  }

  /** What the features of the keys count now, by our integers. */
  async #knownKeys(): Promise<Map<string, { index: number; events: number }>> {
    const rows = await this.#db.query<{ student: string; course: string; key: string; events: number }>(
      `SELECT s.source_id AS student, c.source_id AS course, student_id || ' ' || course_id AS key,
              coalesce(events_count, 0) AS events
       FROM engagement_features JOIN student AS s USING (student_id) JOIN course AS c USING (course_id)`,
    );
    const bySource = new Map(rows.map((row) => [`${row.student} ${row.course}`, row]));
    const known = new Map<string, { index: number; events: number }>();
    this.#order.forEach((k, index) => {
      const { student, course } = keyIds(k, this.#world.shape);
      const row = bySource.get(`${student} ${course}`);
      if (row !== undefined) known.set(row.key, { index, events: row.events });
    });
    return known;
  }

  /** Reads the same publication with the bare library and does nothing but decode. */
  async #followBare(): Promise<void> {
    const [source, slot] = [this.#source, 'bench_bare'];
    await source.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [slot]);
    const service = new LogicalReplicationService(this.#world.databases.source, {
      acknowledge: { auto: true, timeoutSeconds: 1 },
    });
    const started = new Promise<void>((resolve) => service.once('start', () => resolve()));
    service.on('data', (_lsn: string, message: Pgoutput.Message) => {
      const seen = message.tag === 'insert' ? this.#byId.get(String(message.new['id'])) : undefined;
      if (seen !== undefined) seen.decodedAt = performance.now();
    });
    service.on('error', () => {});
    service.subscribe(new PgoutputPlugin({ protoVersion: 1, publicationNames: ['prepadata'] }), slot).catch(() => {});
    await started;
    this.#onEnd.push(async () => {
      await service.stop();
      await dropSlot(source, slot);
    });
  }
}

async function measureChannel(db: Database, listener: pg.Client): Promise<number[]> {
  const times: number[] = [];
  for (let time = 0; time < 100; time += 1) {
    const arrived = new Promise<number>((resolve) => {
      listener.once('notification', () => resolve(performance.now()));
    });
    const sentAt = performance.now();
    await db.query("SELECT pg_notify('bench', '')");
    times.push((await arrived) - sentAt);
  }
  return times;
}

/** The server lets go of a slot a moment after the connection has ended. */
async function dropSlot(source: Database, slot: string): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    const dropped = await source
      .query('SELECT pg_drop_replication_slot($1)', [slot])
      .then(() => true)
      .catch(() => false);
    if (dropped) return;
    await sleep(100);
  }
}
