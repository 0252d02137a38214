import type { EachBatchPayload, Kafka, Consumer as LibraryConsumer, RequestTimeoutEvent } from 'kafkajs';
import { handleBatch } from './batch.ts';
import { type ClientOptions, closeQuietly } from './client.ts';
import { BrokerFault, type ConsumerHandler, type PartitionId, partitionName } from './contract.ts';

export interface ConsumerOptions extends ClientOptions {
  readonly group: string;
  /** Must exist. */
  readonly topics: readonly string[];
  /** Partitions of all topics together, and so the most batches under way at once. */
  readonly partitions: number;
  readonly handler: ConsumerHandler;
  /** After how long a dead member is noticed, milliseconds; its partitions then go to the others. Default 10,000. */
  readonly sessionMs?: number;
}

const SESSION_MS = 10_000;
const HEARTBEAT_MS = 1_000;
/** How long the other members wait for us to rejoin. We notice a rebalance within a heartbeat. */
const REBALANCE_MS = 20_000;
/** The broker answers as soon as there is a record, or after this long without one. It delays a shutdown by as much. */
const IDLE_FETCH_MS = 100;
/** Partitions added to a topic are read after this long at most; the library's own limit is five minutes. */
const METADATA_MS = 20_000;
const TICK_MS = 1_000;
/** A failure is no relapse once the member has been in its group for this many ticks. */
const STEADY_TICKS = 5;
/** How often the library may rejoin by itself before a membership is steady. */
const REJOINS = 3;

/** One life of the library's consumer: from joining to its failure. */
export class Membership {
  readonly #options: ConsumerOptions;
  readonly #consumer: LibraryConsumer;
  readonly #isRelapse: boolean;
  readonly #assigned = new Map<string, PartitionId>();
  readonly #reports = new Map<string, PartitionId & { offset: string }>();
  /** Ticks since the group was last joined; undefined before the first time. */
  #inGroup: number | undefined;
  #isJoining = true;
  #rejoins = 0;
  #isProven = false;
  #isOver = false;
  #fail: (error: unknown) => void = () => {};
  /** Has stayed in the group without a failure for a while. */
  wasSteady = false;

  /** @param isRelapse the one before failed early: this one is not reported as working until it is steady */
  constructor(client: Kafka, options: ConsumerOptions, isRelapse: boolean) {
    this.#options = options;
    this.#isRelapse = isRelapse;
    this.#consumer = client.consumer({
      groupId: options.group,
      allowAutoTopicCreation: false,
      sessionTimeout: options.sessionMs ?? SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_MS,
      maxWaitTimeInMs: IDLE_FETCH_MS,
      metadataMaxAge: METADATA_MS,
    });
  }

  get hasJoined(): boolean {
    return this.#inGroup !== undefined;
  }

  begin(partition: PartitionId, offset: bigint): void {
    if (!this.#assigned.has(partitionName(partition))) return;
    this.#consumer.seek({ ...partition, offset: offset.toString() });
    this.#consumer.resume([{ topic: partition.topic, partitions: [partition.partition] }]);
  }

  hold({ topic, partition }: PartitionId): void {
    if (!this.#assigned.has(partitionName({ topic, partition }))) return;
    this.#consumer.pause([{ topic, partitions: [partition] }]);
  }

  report({ topic, partition }: PartitionId, next: bigint): void {
    this.#reports.set(partitionName({ topic, partition }), { topic, partition, offset: next.toString() });
  }

  /** Lets it be over, for this reason. */
  end(reason: BrokerFault): void {
    this.#fail(reason);
  }

  /** Resolves when it is over: with undefined if the signal aborted, else with the reason. Close it after that. */
  async last(signal: AbortSignal): Promise<unknown> {
    let ticking: NodeJS.Timeout | undefined;
    let onAbort: () => void = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        onAbort = resolve;
        signal.addEventListener('abort', onAbort, { once: true });
        this.#fail = reject;
        this.#listen();
        ticking = setInterval(() => this.#tick(), TICK_MS);
        this.#begin(signal).catch(reject);
      });
      await this.#send();
      return undefined;
    } catch (error) {
      return error;
    } finally {
      clearInterval(ticking);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.#assigned.clear();
    this.#options.handler.onRevoked();
    await closeQuietly(() => this.#consumer.disconnect());
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const { topics, partitions } = this.#options;
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true });
    if (signal.aborted || this.#isOver) return;
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: Math.max(1, partitions),
      eachBatch: (payload) => this.#take(payload),
    });
  }

  #listen(): void {
    const { handler } = this.#options;
    const { events, on } = this.#consumer;
    on(events.CRASH, ({ payload }) => this.#fail(payload.error));
    on(events.REQUEST, () => handler.onHeard());
    // The library would retry several times before it reports this.
    on(events.REQUEST_TIMEOUT, ({ payload }) => this.#fail(silent(payload)));
    on(events.REBALANCING, () => {
      this.#isJoining = true;
    });
    on(events.GROUP_JOIN, ({ payload }) => this.#join(payload.memberAssignment));
    on(events.HEARTBEAT, () => this.#prove());
    on(events.END_BATCH_PROCESS, () => this.#prove());
  }

  /** Called when the group has answered, or something was read. */
  #prove(): void {
    if (this.#isOver || this.#isProven || (this.#isRelapse && !this.wasSteady)) return;
    this.#isProven = true;
    this.#options.handler.onTrouble(undefined);
  }

  #tick(): void {
    void this.#send();
    if (this.#inGroup === undefined) return;
    this.#inGroup += 1;
    if (this.#inGroup !== STEADY_TICKS) return;
    this.wasSteady = true;
    this.#rejoins = 0;
    this.#prove();
  }

  /** Pauses everything first: the library would begin at once, at the cluster's offsets. */
  #join(assignment: Readonly<Record<string, number[]>>): void {
    if (this.#isOver) return;
    const { handler } = this.#options;
    // Without a rebalance by the group, the library rejoined of its own accord, which it does without pausing.
    if (!this.#isJoining) this.#rejoins += 1;
    if (this.#rejoins > REJOINS) {
      this.#fail(unsettled(this.#options));
      return;
    }
    this.#isJoining = false;
    this.#inGroup = 0;
    handler.onRevoked();
    this.#assigned.clear();
    this.#reports.clear();
    for (const [topic, partitions] of Object.entries(assignment)) {
      this.#consumer.pause([{ topic, partitions }]);
      for (const partition of partitions) this.#assigned.set(partitionName({ topic, partition }), { topic, partition });
    }
    handler.onAssigned([...this.#assigned.values()]);
  }

  async #take(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    if (payload.isStale() || !this.#assigned.has(partitionName(batch))) return;
    const done = await handleBatch(payload, this.#options.handler, HEARTBEAT_MS);
    if (done && !payload.isStale()) payload.resolveOffset(batch.lastOffset());
  }

  /** Nothing depends on it, so errors are ignored: a group that is rebalancing refuses it. */
  async #send(): Promise<void> {
    const reports = [...this.#reports.values()].filter((report) => this.#assigned.has(partitionName(report)));
    this.#reports.clear();
    if (reports.length > 0) await this.#consumer.commitOffsets(reports).catch(() => {});
  }
}

const unsettled = ({ group, brokers }: ConsumerOptions): BrokerFault =>
  new BrokerFault(
    `the consumer group ${group} had to be joined again and again: what the Kafka cluster ${brokers.join(',')} says of its members, leaders and topics keeps changing`,
  );

const silent = ({ broker, apiName }: RequestTimeoutEvent['payload']): BrokerFault =>
  new BrokerFault(`the Kafka broker ${broker} does not answer: ${apiName} was asked for in vain`);
