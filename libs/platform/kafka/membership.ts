import type { EachBatchPayload, Kafka, Consumer as LibraryConsumer, RequestTimeoutEvent } from 'kafkajs';
import { handleBatch } from './batch.ts';
import { type ClientOptions, closeQuietly } from './client.ts';
import { BrokerFault, type ConsumerHandler, type PartitionId, partitionName } from './contract.ts';

export interface ConsumerOptions extends ClientOptions {
  readonly group: string;
  /** Must exist. */
  readonly topics: readonly string[];
  /** Partitions of all topics together: as many batches may be under way at once. */
  readonly partitions: number;
  readonly handler: ConsumerHandler;
  /** A member that dies is missed after this long, milliseconds; its partitions go to the others. Default 10,000. */
  readonly sessionMs?: number;
}

const SESSION_MS = 10_000;
const HEARTBEAT_MS = 1_000;
/** How long the others of the group wait for us to join again. We notice within a heartbeat. */
const REBALANCE_MS = 20_000;
/** The broker answers as soon as there is a record; this long if there is none. What it costs is a slower shutdown. */
const IDLE_FETCH_MS = 100;
/** Partitions that a topic has got since are read after so long at most; the library's own limit is five minutes. */
const METADATA_MS = 20_000;
const TICK_MS = 1_000;
/** A member that has been in its group for so many ticks is no relapse when it falls over. */
const STEADY_TICKS = 5;
/** So often may the library join again by itself before a membership is steady. */
const REJOINS = 3;

/** One life of the library's consumer: from joining to falling over. */
export class Membership {
  readonly #options: ConsumerOptions;
  readonly #consumer: LibraryConsumer;
  readonly #isRelapse: boolean;
  readonly #assigned = new Map<string, PartitionId>();
  readonly #reports = new Map<string, PartitionId & { offset: string }>();
  /** Ticks since the group was joined last; undefined before. */
  #inGroup: number | undefined;
  #isJoining = true;
  #rejoins = 0;
  #isProven = false;
  #isOver = false;
  /** Has stayed in the group without a failure for a while. */
  wasSteady = false;

  /** @param isRelapse the one before fell over soon: this one is not told to be well before it is steady */
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

  /** Resolves when it is over: with undefined when the signal aborts, else with the reason. To be closed after that. */
  async last(signal: AbortSignal): Promise<unknown> {
    let ticking: NodeJS.Timeout | undefined;
    let onAbort: () => void = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        onAbort = resolve;
        signal.addEventListener('abort', onAbort, { once: true });
        this.#listen(reject);
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

  #listen(fail: (error: unknown) => void): void {
    const { handler } = this.#options;
    const { events, on } = this.#consumer;
    on(events.CRASH, ({ payload }) => fail(payload.error));
    on(events.REQUEST, () => handler.onHeard());
    // The library would ask several times more before it says so.
    on(events.REQUEST_TIMEOUT, ({ payload }) => fail(silent(payload)));
    on(events.REBALANCING, () => {
      this.#isJoining = true;
    });
    on(events.GROUP_JOIN, ({ payload }) => this.#join(payload.memberAssignment, fail));
    on(events.HEARTBEAT, () => this.#prove());
    on(events.END_BATCH_PROCESS, () => this.#prove());
  }

  /** The group has answered it, or it has read something. */
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

  /** The library would begin at once, where the cluster says; so all is held before it can. */
  #join(assignment: Readonly<Record<string, number[]>>, fail: (error: unknown) => void): void {
    if (this.#isOver) return;
    const { handler } = this.#options;
    // Without a word of others who came or went it was the library's own idea, and it has no pause between its ideas.
    if (!this.#isJoining) this.#rejoins += 1;
    if (this.#rejoins > REJOINS) {
      fail(unsettled(this.#options));
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

  /** Nothing rests on it; a group that shares out anew refuses it. */
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
