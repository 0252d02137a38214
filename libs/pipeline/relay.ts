import { PrepaError } from '#libs/domain/errors.ts';
import type { Log } from '#libs/platform/log.ts';
import { type Loop, type StepOutcome, startLoop } from '#libs/platform/loop/loop.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Metrics } from '#libs/platform/metrics.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import type { DatabaseSession } from '#libs/platform/postgres/session.ts';
import {
  completeTopic,
  OUTBOX_CHANNEL,
  type Outbox,
  openOutbox,
  readWaiting,
  type WaitingKey,
} from '#libs/store/features/outbox.ts';
import { keyName } from '#libs/store/keys/keys.ts';
import type { FeaturePublisher } from './topics/publisher.ts';

export interface RelayOptions {
  readonly db: Database;
  readonly publisher: FeaturePublisher;
  readonly log: Log;
  readonly metrics?: Metrics;
  /** Called once, with an error that no retry fixes, such as a schema that the registry refuses. */
  readonly onFailure: (error: PrepaError) => void;
  /** Most keys sent at once. */
  readonly batch?: number;
  /** How often it looks without being notified, and tries the lock. Milliseconds. */
  readonly pollMs?: number;
}

export interface RelayStatus {
  /** This process is the one that sends; otherwise another one does, or none can. */
  readonly isSending: boolean;
  /** Changed keys not sent to the topic yet. */
  readonly waiting: number;
  /** How long the oldest of them has waited, milliseconds; null if none waits. */
  readonly oldestMs: number | null;
  /** Messages that the cluster has acknowledged to this process. */
  readonly sent: number;
}

export interface Relay extends Loop {
  status(): Promise<RelayStatus>;
}

/**
 * At some 600 bytes a message, this many stay below the megabyte that a cluster allows for a batch of one partition, even
 * if all keys fall on one. If a topic's limit is smaller, fewer are sent at once.
 */
const BATCH = 500;

/** Sends the rows whose keys are in the outbox for as long as it runs; stands by while another relay of the topic sends. */
export function startRelay(options: RelayOptions): Relay {
  const wake = new WorkSignal();
  const relay = new Sender(options, wake);
  const { db, publisher, log, onFailure, pollMs = 1_000 } = options;
  let hasFailed = false;
  const loop = startLoop({
    name: `the relay of ${publisher.topic}`,
    wake,
    log,
    pollMs,
    step: async () => {
      try {
        return await relay.step();
      } catch (error) {
        if (error instanceof PrepaError && !hasFailed) {
          hasFailed = true;
          onFailure(error);
        }
        throw error;
      }
    },
  });
  return {
    get trouble() {
      return loop.trouble;
    },
    stop: async () => {
      await loop.stop();
      await relay.end();
    },
    status: async () => {
      const { waiting, oldest } = await readWaiting(db, publisher.family);
      const oldestMs = oldest === null ? null : Math.max(0, Date.now() - oldest.getTime());
      return { isSending: relay.isSending, waiting, oldestMs, sent: relay.sent };
    },
  };
}

/**
 * A topic's one relay is the one whose session holds the topic's lock. It reads and deletes outbox entries through that same
 * session: a read that succeeds right before sending proves that it still holds the lock, and deleting what was sent proves
 * that it held it until the messages had arrived.
 *
 * If that deletion fails, another relay may have sent newer rows before ours arrived. Consumers do not mind, since they order
 * by row_version, but compaction keeps the message that came last. So the keys in doubt are put back, and whichever relay
 * holds the lock by then sends their current rows. (A process that dies at that point cannot put them back, but what it gave
 * to the network arrives long before another process has found the lock free and connected.)
 */
class Sender {
  readonly #options: RelayOptions;
  readonly #wake: WorkSignal;
  readonly #outbox: Outbox;
  /** Keys given to the cluster, not yet known to have been sent under the lock; by name. */
  readonly #unconfirmed = new Map<string, WaitingKey>();
  #session: DatabaseSession | null = null;
  #isHeld = false;
  #isComplete = false;
  /** The topic was created or corrected here, so what the database notes as sent to it may not be on it. */
  #isNew = false;
  #sent = 0;

  constructor(options: RelayOptions, wake: WorkSignal) {
    this.#options = options;
    this.#wake = wake;
    this.#outbox = openOutbox(options.publisher.family, options.publisher.columns);
  }

  get sent(): number {
    return this.#sent;
  }

  get isSending(): boolean {
    return this.#isHeld && this.#session?.lost === null;
  }

  async step(): Promise<StepOutcome> {
    const { publisher, batch = BATCH } = this.#options;
    // Also while standing by: a refused schema shows at the start, not only when the other relay has died.
    this.#isNew = (await publisher.prepare()) || this.#isNew;
    if (this.#isNew) await this.#complete();
    const session = await this.#hold();
    if (session === null) return 'idle';
    if (!this.#isComplete) await this.#complete();
    const keys = await this.#outbox.read(session, batch);
    if (keys.length === 0) return 'idle';
    for (const key of keys) this.#unconfirmed.set(keyName(key), key);
    await publisher.send(keys);
    const arrived = Date.now();
    await this.#outbox.sent(session, keys);
    for (const key of keys) this.#unconfirmed.delete(keyName(key));
    this.#count(keys, arrived);
    return keys.length === batch ? 'more' : 'idle';
  }

  /** Releases the lock by closing the session that holds it. */
  async end(): Promise<void> {
    this.#session?.close();
    await this.#resolveDoubts().catch((error: unknown) => {
      this.#options.log.warn({ err: error }, `${this.#outbox.topic}: could not note again what was sent last`);
    });
  }

  /** The session that holds the lock, reopened if it was lost; null while another relay holds the lock. */
  async #hold(): Promise<DatabaseSession | null> {
    if (this.#session === null || this.#session.lost !== null) {
      this.#isHeld = false;
      await this.#resolveDoubts();
      this.#session = await this.#options.db.session();
    }
    if (!this.#isHeld) {
      const { topic } = this.#outbox;
      if (!(await this.#outbox.hold(this.#session))) return null;
      await this.#session.listen(OUTBOX_CHANNEL, (changed) => {
        if (changed === topic) this.#wake.wake();
      });
      this.#isHeld = true;
      this.#options.log.info({ topic }, `sending to ${topic}`);
    }
    return this.#session;
  }

  async #resolveDoubts(): Promise<void> {
    const keys = [...this.#unconfirmed.values()];
    if (keys.length > 0) await this.#outbox.putBack(this.#options.db, keys);
    this.#unconfirmed.clear();
  }

  async #complete(): Promise<void> {
    const { db, log, publisher } = this.#options;
    const noted = await completeTopic(db, publisher.family, this.#isNew);
    if (noted > 0) log.info({ topic: publisher.topic, keys: noted }, `every key is noted for ${publisher.topic}`);
    this.#isComplete = true;
    this.#isNew = false;
  }

  #count(keys: readonly WaitingKey[], arrived: number): void {
    this.#sent += keys.length;
    const { metrics, publisher } = this.#options;
    if (metrics === undefined) return;
    const labels = { topic: publisher.topic };
    metrics.of.prepadata_relay_messages_total.inc(labels, keys.length);
    metrics.of.prepadata_relay_tombstones_total.inc(labels, keys.filter((key) => key.row === null).length);
    for (const { notedAt } of keys)
      metrics.of.prepadata_relay_delay_seconds.observe(labels, Math.max(0, arrived - notedAt.getTime()) / 1000);
  }
}
