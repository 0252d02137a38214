import { setTimeout as sleep } from 'node:timers/promises';
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import type { Shape } from './campus.ts';
import { click, newClick } from './load.ts';
import { keyOf, knownKeys, listenToRows } from './rows-told.ts';

/** Where changes are made and observed. */
export interface Observed {
  readonly shape: Shape;
  readonly databases: { readonly source: DatabaseAddress };
  source(): Promise<Database>;
  analyticsAddress(): DatabaseAddress;
}

/** When one change was seen, by this process's clock. NaN: not yet. */
export interface Seen {
  /** When its COMMIT returned. */
  committedAt: number;
  /** When a bare reader, which does nothing else, had decoded it. */
  decodedAt: number;
  /** When we heard that the feature row counting it was committed. */
  visibleAt: number;
}

/** Makes changes, one per key, and notes when each is seen. */
export class Observer {
  readonly log: readonly Seen[];
  /** From sending a notification to its arrival: an upper bound of what observing adds. */
  channel: readonly number[] = [];
  readonly #world: Observed;
  readonly #db: Database;
  readonly #source: Database;
  readonly #order: readonly number[];
  readonly #byId = new Map<string, Seen>();
  readonly #onEnd: (() => Promise<unknown>)[] = [];

  private constructor(world: Observed, db: Database, source: Database, order: readonly number[]) {
    this.#world = world;
    this.#db = db;
    this.#source = source;
    this.#order = order;
    this.log = order.map(() => ({ committedAt: Number.NaN, decodedAt: Number.NaN, visibleAt: Number.NaN }));
  }

  /** @param order the keys to touch, each once */
  static async open(world: Observed, db: Database, order: readonly number[]): Promise<Observer> {
    const observer = new Observer(world, db, await world.source(), order);
    await observer.#listen();
    await observer.#followBare();
    return observer;
  }

  /** Touches the key at this place in the order; resolves once that is committed. */
  async touch(index: number): Promise<void> {
    const seen = this.log[index];
    if (seen === undefined) return;
    // The bare reader may be faster than the answer to the commit.
    const id = newClick();
    this.#byId.set(id, seen);
    await click(this.#source, id, this.#order[index] ?? 0, this.#world.shape);
    seen.committedAt = performance.now();
  }

  /** Waits until the changes from one place in the order up to (not including) another are seen, or the time is up. */
  async untilSeen(from: number, to: number, timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs;
    const waits = (): boolean => this.log.slice(from, to).some((seen) => Number.isNaN(seen.visibleAt));
    while (performance.now() < until && waits()) await sleep(1);
  }

  async end(): Promise<void> {
    for (const end of this.#onEnd.reverse()) await end();
  }

  async #listen(): Promise<void> {
    const known = await knownKeys(this.#db, this.#order, this.#world.shape);
    const seenBy = new Map<string, { seen: Seen; events: number }>();
    this.#order.forEach((key, index) => {
      const [row, seen] = [known.get(key), this.log[index]];
      if (row !== undefined && seen !== undefined)
        seenBy.set(keyOf(row.student, row.course), { seen, events: row.events });
    });
    const told = await listenToRows(this.#db, this.#world.analyticsAddress(), (key, events) => {
      const waiting = seenBy.get(key);
      if (waiting === undefined || !Number.isNaN(waiting.seen.visibleAt)) return;
      if (events > waiting.events) waiting.seen.visibleAt = performance.now();
    });
    this.#onEnd.push(() => told.end());
    this.channel = told.channel;
  }

  /** Reads the same publication with the bare library, and only decodes. */
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

/** The server releases a slot a moment after its connection has ended. */
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
