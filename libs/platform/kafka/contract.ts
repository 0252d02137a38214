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
}

/** The cluster does not answer or does not take what it is given just now: to be waited for and tried again. */
export class BrokerFault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BrokerFault';
  }
}
