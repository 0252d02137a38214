import type kafkajs from 'kafkajs';
import { openClient } from '#libs/platform/kafka/client.ts';
import { openLog } from '#libs/platform/log.ts';
import { createTopics } from '../../support/cluster.ts';

export const CHANGES = 'peers.changes';
/** As many as there are cores to work on them. */
const PARTITIONS = 2;
const IDLE_FETCH_MS = 100;

const clientOf = (brokers: string): kafkajs.Kafka =>
  openClient({ brokers: [brokers], clientId: 'bench-peers', log: openLog('silent') });

/** The peers' topics, seen from outside. */
export class Topics {
  readonly #client: kafkajs.Kafka;
  readonly #admin: kafkajs.Admin;
  #readers = 0;

  private constructor(client: kafkajs.Kafka, admin: kafkajs.Admin) {
    this.#client = client;
    this.#admin = admin;
  }

  static async open(brokers: string): Promise<Topics> {
    const client = clientOf(brokers);
    const admin = client.admin();
    await admin.connect();
    return new Topics(client, admin);
  }

  /** Creates the missing ones. */
  async ensure(topics: readonly string[]): Promise<void> {
    await createTopics(
      this.#admin,
      topics.map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor: 1 })),
    );
  }

  /** Whether a group has read these topics to their ends, and committed that. List them in the order in which records pass through. */
  async hasRead(groupId: string, topics: readonly string[]): Promise<boolean> {
    for (const topic of topics) {
      const [of] = await this.#admin.fetchOffsets({ groupId, topics: [topic] });
      const ends = await this.#admin.fetchTopicOffsets(topic);
      const at = new Map(of?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
      if (ends.some(({ partition, high }) => Number(high) > 0 && (at.get(partition) ?? -1) < Number(high)))
        return false;
    }
    return true;
  }

  /** Calls `told` for each record from the beginning on. Resolves once it was called for everything there is now. @returns stops it */
  async follow(topic: string, told: (key: string, value: string) => void): Promise<() => Promise<void>> {
    this.#readers += 1;
    const consumer = this.#client.consumer({
      groupId: `bench-${process.pid}-${this.#readers}`,
      maxWaitTimeInMs: IDLE_FETCH_MS,
      // Uncommitted records are invisible.
      readUncommitted: false,
    });
    const ends = await this.#admin.fetchTopicOffsets(topic);
    const missing = new Map(
      ends.filter(({ high, low }) => high !== low).map((end) => [end.partition, Number(end.high)]),
    );
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      if (missing.size === 0) resolve();
      const run = consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch, heartbeat }) => {
          for (const { key, value } of batch.messages) told(String(key), String(value));
          // Where a transaction ends, the last offset of the batch is that of its marker.
          if (Number(batch.lastOffset()) + 1 >= (missing.get(batch.partition) ?? 0)) missing.delete(batch.partition);
          if (missing.size === 0) resolve();
          await heartbeat();
        },
      });
      run.catch(reject);
    });
    return () => consumer.disconnect();
  }

  close(): Promise<void> {
    return this.#admin.disconnect();
  }
}

/** Sends records one request after another, each once the broker has the one before. */
export async function openSender(brokers: string): Promise<kafkajs.Producer> {
  const producer = clientOf(brokers).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  return producer;
}
