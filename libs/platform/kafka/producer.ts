import kafkajs from 'kafkajs';
import { type ClientOptions, closeQuietly, inTime, openClient } from './client.ts';
import type { OutgoingMessage, Producer } from './contract.ts';
import { toBrokerFault } from './faults.ts';

interface Connected {
  readonly producer: kafkajs.Producer;
  /** Where the messages that are being sent belong. */
  readonly partitions: Set<number>;
}

/**
 * Waits for all in-sync replicas. One request at a time, so that messages sent again never end up behind later ones.
 *
 * The cluster drops what the library sends twice (it numbers its requests). But a request that is given up keeps its
 * number, and the next one, with other messages, would be taken for its repetition and dropped as well; so the producer is
 * recreated after every failure.
 */
export function openProducer(options: ClientOptions): Producer {
  const client = openClient(options);
  let present: Promise<Connected> | undefined;
  let line: Promise<unknown> = Promise.resolve();
  const connect = async (): Promise<Connected> => {
    const partitions = new Set<number>();
    const producer = client.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: () => {
        const choose = kafkajs.Partitioners.DefaultPartitioner();
        return (message) => {
          const partition = choose(message);
          partitions.add(partition);
          return partition;
        };
      },
    });
    await producer.connect();
    return { producer, partitions };
  };
  const send = async (topic: string, messages: readonly OutgoingMessage[]): Promise<ReadonlyMap<number, bigint>> => {
    present ??= connect();
    const mine = present;
    try {
      const outgoing = messages.map(({ key, value, headers }) => ({
        key,
        value,
        ...(headers === undefined ? {} : { headers: { ...headers } }),
      }));
      const answers = await inTime(
        options,
        mine.then(({ producer, partitions }) => {
          partitions.clear();
          return producer.send({ topic, acks: -1, messages: outgoing });
        }),
      );
      const { partitions } = await mine;
      const offsets = new Map(answers.map(({ partition, baseOffset = '-1' }) => [partition, BigInt(baseOffset)]));
      for (const partition of partitions) if (!offsets.has(partition)) throw new Unsent(partition);
      return offsets;
    } catch (error) {
      if (present === mine) present = undefined;
      mine.then(({ producer }) => closeQuietly(() => producer.disconnect())).catch(() => {});
      throw toBrokerFault(error, {
        brokers: options.brokers,
        doing: `sending to the topic ${topic}`,
        topics: [topic],
        operation: 'Write',
      });
    }
  };
  return {
    send: (topic, messages) => {
      if (messages.length === 0) return Promise.resolve(new Map());
      const sent = line.then(() => send(topic, messages));
      line = sent.catch(() => {});
      return sent;
    },
    close: async () => {
      await line;
      const last = present;
      present = undefined;
      await closeQuietly(async () => (await last)?.producer.disconnect());
    },
  };
}

/**
 * The library asks no broker twice in one sending. So when a partition has just moved to a broker that has already taken
 * messages of other partitions, the library leaves its messages out and reports success.
 */
class Unsent extends Error {
  constructor(partition: number) {
    super(`nothing was sent to partition ${partition}, whose leader has just changed`);
    this.name = 'Unsent';
  }
}
