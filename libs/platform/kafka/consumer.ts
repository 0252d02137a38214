import { setTimeout as sleep } from 'node:timers/promises';
import type { EachBatchPayload, Kafka, KafkaMessage, Consumer as LibraryConsumer } from 'kafkajs';
import { type ClientOptions, closeQuietly, openClient, toBrokerFault } from './client.ts';
import type { Consumer, ConsumerHandler, IncomingRecord, PartitionId } from './contract.ts';

export interface ConsumerOptions extends ClientOptions {
  readonly group: string;
  /** Must exist. */
  readonly topics: readonly string[];
  /** Partitions of all topics together: as many batches may be under way at once. */
  readonly partitions: number;
  readonly handler: ConsumerHandler;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** A member that dies is missed after this long; its partitions go to the others. */
const SESSION_MS = 10_000;
const HEARTBEAT_MS = 1_000;
/** How long the others of the group wait for us to join again. We notice within a heartbeat. */
const REBALANCE_MS = 20_000;
/** The broker answers as soon as there is a record; this long if there is none. What it costs is a slower shutdown. */
const IDLE_FETCH_MS = 100;
const REPORT_EVERY_MS = 1_000;

export function openConsumer(options: ConsumerOptions): Consumer {
  return new GroupMember(options);
}

const nameOf = ({ topic, partition }: PartitionId): string => `${topic}:${partition}`;

/** One life of the library's consumer: from joining to falling over. */
interface Life {
  readonly consumer: LibraryConsumer;
  readonly assigned: Map<string, PartitionId>;
}

class GroupMember implements Consumer {
  readonly #options: ConsumerOptions;
  readonly #client: Kafka;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  readonly #reports = new Map<string, PartitionId & { offset: string }>();
  #life: Life | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#client = openClient(options);
    this.#ended = this.#live();
  }

  begin(partition: PartitionId, offset: bigint): void {
    const life = this.#life;
    if (!life?.assigned.has(nameOf(partition))) return;
    life.consumer.seek({ ...partition, offset: offset.toString() });
    life.consumer.resume([{ topic: partition.topic, partitions: [partition.partition] }]);
  }

  hold({ topic, partition }: PartitionId): void {
    if (!this.#life?.assigned.has(nameOf({ topic, partition }))) return;
    this.#life.consumer.pause([{ topic, partitions: [partition] }]);
  }

  report({ topic, partition }: PartitionId, next: bigint): void {
    this.#reports.set(nameOf({ topic, partition }), { topic, partition, offset: next.toString() });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  /** The library does not restart after every failure, and after some it restarts without a word: we always do. */
  async #live(): Promise<void> {
    const { signal } = this.#closing;
    const { handler, brokers } = this.#options;
    let wait = FIRST_RETRY_MS;
    while (!signal.aborted) {
      const life: Life = { consumer: this.#make(), assigned: new Map() };
      try {
        await this.#liveOnce(life, () => {
          wait = FIRST_RETRY_MS;
        });
      } catch (error) {
        if (signal.aborted) break;
        handler.onTrouble(toBrokerFault(error, `the Kafka cluster ${brokers.join(',')} does not answer`));
      } finally {
        this.#life = undefined;
        life.assigned.clear();
        handler.onRevoked();
        await closeQuietly(() => life.consumer.disconnect());
      }
      await sleep(wait, undefined, { signal }).catch(() => {});
      wait = Math.min(2 * wait, LAST_RETRY_MS);
    }
  }

  #make(): LibraryConsumer {
    return this.#client.consumer({
      groupId: this.#options.group,
      allowAutoTopicCreation: false,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_MS,
      maxWaitTimeInMs: IDLE_FETCH_MS,
    });
  }

  /** Resolves when closed, rejects when fallen over. */
  async #liveOnce(life: Life, onJoined: () => void): Promise<void> {
    const { consumer } = life;
    const { handler, topics, partitions } = this.#options;
    const { signal } = this.#closing;
    let onAbort: () => void = () => {};
    const ended = new Promise<void>((resolve, reject) => {
      onAbort = resolve;
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    });
    ended.catch(() => {});
    signal.addEventListener('abort', onAbort, { once: true });
    consumer.on(consumer.events.FETCH, () => handler.onHeard());
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#join(life, payload.memberAssignment);
      onJoined();
    });
    const reporting = setInterval(() => this.#send(life), REPORT_EVERY_MS);
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      if (signal.aborted) return;
      this.#life = life;
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: Math.max(1, partitions),
        eachBatch: (payload) => this.#take(life, payload),
      });
      await ended;
      await this.#send(life);
    } finally {
      clearInterval(reporting);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** The library would begin at once, where the cluster says; so all is held before it can. */
  #join(life: Life, assignment: Readonly<Record<string, number[]>>): void {
    if (this.#closing.signal.aborted) return;
    const { handler } = this.#options;
    handler.onRevoked();
    life.assigned.clear();
    this.#reports.clear();
    for (const [topic, partitions] of Object.entries(assignment)) {
      life.consumer.pause([{ topic, partitions }]);
      for (const partition of partitions) life.assigned.set(nameOf({ topic, partition }), { topic, partition });
    }
    handler.onTrouble(undefined);
    handler.onAssigned([...life.assigned.values()]);
  }

  async #take(life: Life, payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const { topic, partition } = batch;
    if (payload.isStale() || !life.assigned.has(nameOf(batch))) return;
    const taken = this.#options.handler.onBatch({
      topic,
      partition,
      records: batch.messages.map(toRecord),
      high: BigInt(batch.highWatermark),
    });
    const done = await this.#whileBeating(taken, payload);
    if (done && !payload.isStale()) payload.resolveOffset(batch.lastOffset());
  }

  /**
   * A batch may take as long as the analytics database is away. The group hears from us meanwhile; if it tells us that it
   * shares out anew, what is under way is none of ours any more.
   */
  async #whileBeating(taken: Promise<boolean>, payload: EachBatchPayload): Promise<boolean> {
    for (;;) {
      const pause = new AbortController();
      const beat = sleep(HEARTBEAT_MS, 'beat' as const, { signal: pause.signal }).catch(() => 'beat' as const);
      const first = await Promise.race([taken, beat]);
      pause.abort();
      if (first !== 'beat') return first;
      try {
        await payload.heartbeat();
      } catch (error) {
        this.#options.handler.onRevoked();
        throw error;
      }
    }
  }

  async #send(life: Life): Promise<void> {
    const reports = [...this.#reports.values()].filter((report) => life.assigned.has(nameOf(report)));
    this.#reports.clear();
    // Nothing rests on it; a group that shares out anew refuses it.
    if (reports.length > 0) await life.consumer.commitOffsets(reports).catch(() => {});
  }
}

function toRecord({ offset, key, value, headers = {} }: KafkaMessage): IncomingRecord {
  const read: Record<string, Buffer> = {};
  for (const [name, given] of Object.entries(headers)) {
    const last = Array.isArray(given) ? given.at(-1) : given;
    if (last !== undefined) read[name] = typeof last === 'string' ? Buffer.from(last) : last;
  }
  return { offset: BigInt(offset), key, value, headers: read };
}
