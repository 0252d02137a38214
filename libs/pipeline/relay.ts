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
  /** Told once of what no retry fixes: the registry refuses the schema. */
  readonly onFailure: (error: PrepaError) => void;
  /** Most keys of one sending. */
  readonly batch?: number;
  /** Looks this often without being notified, and for a lock that has become free. Milliseconds. */
  readonly pollMs?: number;
}

export interface RelayStatus {
  /** This process is the one that sends; else another is, or none can. */
  readonly isSending: boolean;
  /** Changed keys that the topic has not been told of. */
  readonly waiting: number;
  /** How long the oldest of them has waited, milliseconds; null where none does. */
  readonly oldestMs: number | null;
  /** Messages that the cluster has acknowledged to this process. */
  readonly sent: number;
}

export interface Relay extends Loop {
  status(): Promise<RelayStatus>;
}

/**
 * Within the limit of a megabyte that a cluster puts on the batch of one partition, should all keys fall on one: a message
 * has some 600 bytes. Where a topic has a smaller limit, fewer go at once.
 */
const BATCH = 500;

/** Sends what the outbox says has changed, for as long as it runs; while another relay of the topic does, stands by. */
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
 * The one relay of a topic is whose session holds the topic's lock. Everything it asks of the outbox goes through that very
 * session: a reading that answers shows, right before the sending, that the lock is still its own, and the deletion of what
 * was sent shows that it was so until the messages had arrived.
 *
 * Where that deletion fails, another relay may have been at work meanwhile, and have sent newer rows before ours arrived.
 * Consumers do not mind, since they order by row_version; but compaction keeps what came last. So what was sent in doubt is
 * put back, and whoever is the relay then sends the row as it is. (A process that dies right there cannot: what it gave to
 * the network has arrived long before another has found the lock free and has connected.)
 */
class Sender {
  readonly #options: RelayOptions;
  readonly #wake: WorkSignal;
  readonly #outbox: Outbox;
  /** Given to the cluster, not yet known to have been sent under the lock; by their names. */
  readonly #unconfirmed = new Map<string, WaitingKey>();
  #session: DatabaseSession | null = null;
  #isHeld = false;
  #isComplete = false;
  /** The topic has been made here: what was noted as told was told to one that is no more. */
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
    // Also for one that stands by: a schema that is refused is known at the start, not when the other has died.
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

  /** Gives the lock back, by ending the session that holds it. */
  async end(): Promise<void> {
    this.#session?.close();
    await this.#resolveDoubts().catch((error: unknown) => {
      this.#options.log.warn({ err: error }, `${this.#outbox.topic}: could not note again what was sent last`);
    });
  }

  /** The session that holds the lock, a new one where that was lost; null while another relay has the lock. */
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
