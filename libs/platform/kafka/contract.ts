import type { ConfigurationError } from '#libs/domain/errors.ts';

/**
 * Everything the rest of the program knows about Kafka. The client library is hidden behind these types, so that it can be
 * replaced.
 */
export interface OutgoingMessage {
  readonly key: Buffer | null;
  /** Null is a tombstone: compaction removes the key. */
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Producer {
  /**
   * Sends to one topic and resolves when every in-sync replica has everything; messages with the same key keep their order.
   * @returns the offset of the first of these messages in each partition that got any; negative if the broker does not say
   * @throws BrokerFault when the cluster does not take them: only some may have arrived, so send all of them again
   */
  send(topic: string, messages: readonly OutgoingMessage[]): Promise<ReadonlyMap<number, bigint>>;
  close(): Promise<void>;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly replication: number;
  /** Topic settings such as `cleanup.policy`. */
  readonly config?: Readonly<Record<string, string>>;
  /** Settings that the topic's writers and readers rely on, by name, each of them in `config` too. */
  readonly demands?: Readonly<Record<string, Demand>>;
  /** If true, an existing topic with other settings is corrected; otherwise one that does not meet a demand is refused. */
  readonly isOurs?: boolean;
}

/** What a setting of an existing topic has to be. */
export interface Demand {
  accepts(value: string): boolean;
  /** What would happen with another value, as the end of a sentence. */
  readonly otherwise: string;
  /** What to do once an administrator has set it, as the end of a sentence. */
  readonly afterwards?: string;
}

export interface EnsuredTopics {
  /** Did not exist. */
  readonly made: readonly string[];
  /** Existed and did not meet a demand, so that messages may be missing; they meet it now. */
  readonly fixed: readonly string[];
}

/** The cluster does not answer, or does not take what it is given at the moment: wait and try again. */
export class BrokerFault extends Error {
  /** The code of Kafka's protocol with which a broker refused; undefined if none answered. */
  readonly refusal: string | undefined;

  constructor(message: string, options: ErrorOptions & { readonly refusal?: string | undefined } = {}) {
    super(message, options);
    this.name = 'BrokerFault';
    this.refusal = options.refusal;
  }
}

/** One partition of one topic. */
export interface PartitionId {
  readonly topic: string;
  readonly partition: number;
}

export const partitionName = ({ topic, partition }: PartitionId): string => `${topic}:${partition}`;

/** What a partition holds: records from offset `low` (included) to `high` (not included). */
export interface Watermarks extends PartitionId {
  readonly low: bigint;
  readonly high: bigint;
}

export interface Admin {
  /** Identifies the cluster for its whole life. */
  clusterId(): Promise<string>;
  /**
   * Makes missing topics, with their settings. Existing ones have to meet their demands; partitions and replicas stay as they
   * are, and so does any other setting that somebody has chosen for a topic. Logs what differs.
   * @throws ConfigurationError when the cluster will never make or set them like this; BrokerFault when it does not answer
   */
  ensureTopics(topics: readonly TopicSpec[]): Promise<EnsuredTopics>;
  /** @throws BrokerFault when the cluster does not answer, or does not know a topic */
  watermarks(topics: readonly string[]): Promise<readonly Watermarks[]>;
  close(): Promise<void>;
}

/** A record as it lies in its partition. */
export interface IncomingRecord {
  readonly offset: bigint;
  readonly key: Buffer | null;
  /** Null is a tombstone. */
  readonly value: Buffer | null;
  /** If a header occurs more than once, its last value. */
  readonly headers: Readonly<Record<string, Buffer>>;
  /** Grows with each election of the partition's leader; undefined in formats from before Kafka 0.11. */
  readonly leaderEpoch?: number | undefined;
  /** Written in a transaction; the next offset may be the mark that ends it, which nobody is given. */
  readonly inTransaction?: boolean;
}

/** Records of one partition, in order. */
export interface IncomingBatch extends PartitionId {
  readonly records: readonly IncomingRecord[];
  /** The offset of the partition's next record, as of this batch. */
  readonly high: bigint;
}

/** Called by a consumer. None of these may throw. */
export interface ConsumerHandler {
  /**
   * These partitions, and no others, are ours from now on. Each is paused until {@link Consumer.begin} says where to begin;
   * work that was under way before is void.
   */
  onAssigned(partitions: readonly PartitionId[]): void;
  /** Nothing is ours any more: the group is rebalancing, or the cluster is away. */
  onRevoked(): void;
  /**
   * One batch at a time of each partition, many partitions at once. The next one of a partition comes when this resolves:
   * with true if the batch was dealt with, with false if its records are to come again.
   */
  onBatch(batch: IncomingBatch): Promise<boolean>;
  /** The cluster answered. */
  onHeard(): void;
  /** The consumer has failed and is being recreated; `undefined` once it is working in its group. */
  onTrouble(error: BrokerFault | undefined): void;
  /** Waiting does not fix this: nothing will come any more. */
  onFailure(error: ConfigurationError): void;
}

/** A member of a consumer group, recreated after every failure for as long as it takes. */
export interface Consumer {
  /** Reads a partition of the present assignment from this offset; ignores other partitions. */
  begin(partition: PartitionId, offset: bigint): void;
  /** Stops reading a partition until `begin`. */
  hold(partition: PartitionId): void;
  /** Tells the cluster, for its monitoring only, how far a partition is applied. We rely on our own record. */
  report(partition: PartitionId, next: bigint): void;
  /** Leaves the group, for this reason, and joins it again. */
  rejoin(reason: BrokerFault): void;
  /** Leaves the group. */
  close(): Promise<void>;
}
