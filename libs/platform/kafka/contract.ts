import type { ConfigurationError } from '#libs/domain/errors.ts';

/**
 * What the rest of the program knows of Kafka. The client library stays behind these types, so that it can be replaced.
 */
export interface OutgoingMessage {
  readonly key: Buffer | null;
  /** Null is a tombstone: compaction removes the key. */
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Producer {
  /**
   * Sends to one topic and resolves when every replica in sync has all of it; messages of one key keep their order.
   * @throws BrokerFault when the cluster does not take them: some may have arrived, so send them again
   */
  send(topic: string, messages: readonly OutgoingMessage[]): Promise<void>;
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
  /** A topic that is there already with other settings is set right; else it is refused where a demand is not met. */
  readonly isOurs?: boolean;
}

/** What a setting of a topic that is there already has to be. */
export interface Demand {
  accepts(value: string): boolean;
  /** What would happen with another value, as the end of a sentence. */
  readonly otherwise: string;
  /** What to do once an administrator has set it, as the end of a sentence. */
  readonly afterwards?: string;
}

export interface EnsuredTopics {
  /** Were not there. */
  readonly made: readonly string[];
  /** Were there and did not meet a demand, so that messages may be missing; they do now. */
  readonly fixed: readonly string[];
}

/** The cluster does not answer or does not take what it is given just now: to be waited for and tried again. */
export class BrokerFault extends Error {
  /** The code of Kafka's protocol with which a broker said no; undefined where none answered. */
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
  /** Names the cluster, for as long as it lives. */
  clusterId(): Promise<string>;
  /**
   * Makes the topics that are missing, with their settings. Those that are there are held to their demands; partitions and
   * replicas stay as they are, and so does what somebody has chosen for a topic otherwise. Logs what differs.
   * @throws ConfigurationError when the cluster will never make or set them so; BrokerFault when it does not answer
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
  /** The last value of a header that is there more than once. */
  readonly headers: Readonly<Record<string, Buffer>>;
}

/** Records of one partition, in order. */
export interface IncomingBatch extends PartitionId {
  readonly records: readonly IncomingRecord[];
  /** Offset that the partition's next record will have, as of this batch. */
  readonly high: bigint;
}

/** What a consumer tells of. None of these may throw. */
export interface ConsumerHandler {
  /**
   * These partitions, and no others, are ours from now on. Each is held until {@link Consumer.begin} says where to begin;
   * what was under way before counts for nothing.
   */
  onAssigned(partitions: readonly PartitionId[]): void;
  /** Nothing is ours any more: the group shares its partitions out anew, or the cluster is away. */
  onRevoked(): void;
  /**
   * One batch at a time of each partition, many partitions at once. The next of a partition comes when this resolves:
   * with true if it is taken care of, with false if its records are to come again.
   */
  onBatch(batch: IncomingBatch): Promise<boolean>;
  /** The cluster answered. */
  onHeard(): void;
  /** The consumer has fallen over and is made anew; `undefined` when it is well in its group. */
  onTrouble(error: BrokerFault | undefined): void;
  /** What no waiting fixes: nothing comes any more. */
  onFailure(error: ConfigurationError): void;
}

/** A member of a consumer group, which is made anew for as long as it takes when it falls over. */
export interface Consumer {
  /** Reads a partition of the present assignment from an offset; of others nothing is done. */
  begin(partition: PartitionId, offset: bigint): void;
  /** Reads no more of a partition until `begin`. */
  hold(partition: PartitionId): void;
  /** Tells the cluster, for those who look at it, how far a partition is applied. What we go by is ours. */
  report(partition: PartitionId, next: bigint): void;
  /** Leaves the group. */
  close(): Promise<void>;
}
