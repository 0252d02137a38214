import kafkajs from 'kafkajs';
import { type ClientOptions, closeQuietly, inTime, openClient } from './client.ts';
import type { OutgoingMessage, Producer } from './contract.ts';
import { toBrokerFault } from './faults.ts';

/**
 * Waits for all in-sync replicas. One request at a time, so that messages sent again never end up behind later ones.
 *
 * The cluster drops what the library sends twice (it numbers its requests). But a request that is given up keeps its
 * number, and the next one, with other messages, would be taken for its repetition and dropped as well; so the producer is
 * recreated after every failure.
 */
export function openProducer(options: ClientOptions): Producer {
  const client = openClient(options);
  let present: Promise<kafkajs.Producer> | undefined;
  let line: Promise<unknown> = Promise.resolve();
  const connect = async (): Promise<kafkajs.Producer> => {
    const producer = client.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    return producer;
  };
  const send = async (topic: string, messages: readonly OutgoingMessage[]): Promise<void> => {
    present ??= connect();
    const mine = present;
    try {
      const outgoing = messages.map(({ key, value, headers }) => ({
        key,
        value,
        ...(headers === undefined ? {} : { headers: { ...headers } }),
      }));
      await inTime(
        options,
        mine.then((producer) => producer.send({ topic, acks: -1, messages: outgoing })),
      );
    } catch (error) {
      if (present === mine) present = undefined;
      mine.then((producer) => closeQuietly(() => producer.disconnect())).catch(() => {});
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
      if (messages.length === 0) return Promise.resolve();
      const sent = line.then(() => send(topic, messages));
      line = sent.catch(() => {});
      return sent;
    },
    close: async () => {
      await line;
      const last = present;
      present = undefined;
      await closeQuietly(async () => (await last)?.disconnect());
    },
  };
}
