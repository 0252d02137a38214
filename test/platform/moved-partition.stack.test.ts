import { afterAll, beforeAll, expect, test } from 'vitest';
import { openProducer } from '#libs/platform/kafka/producer.ts';
import { openLog } from '#libs/platform/log.ts';
import { Brokers } from '../support/brokers.ts';
import { poll } from './listening.ts';

const [LEADER, FOLLOWER] = [2, 3] as const;
const log = openLog('silent');

let brokers: Brokers;

beforeAll(async () => {
  brokers = await Brokers.start();
});
afterAll(() => brokers.stop());

test('messages of a partition that has moved to a broker which has taken others already are sent all the same', async () => {
  const topic = 'moved';
  await brokers.createTopic(topic, [[LEADER], [FOLLOWER]]);
  const producer = openProducer({ brokers: brokers.addresses, clientId: 'test', log });
  const messages = Array.from({ length: 50 }, (_, index) => ({ key: Buffer.from(`key ${index}`), value: null }));
  const ends = async (): Promise<string[]> => {
    const offsets = await brokers.ask((admin) => admin.fetchTopicOffsets(topic));
    return offsets.toSorted((a, b) => a.partition - b.partition).map(({ high }) => high);
  };
  /** As the relay does it: until the cluster has all. */
  const send = async (): Promise<void> => {
    let refusal: unknown;
    do {
      refusal = await producer.send(topic, messages).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refusal !== undefined) expect(String(refusal)).toMatch(/nothing was sent to partition 1/);
    } while (refusal !== undefined);
  };
  try {
    await send();
    const [, second = ''] = await ends();
    await brokers.ask((admin) =>
      admin.alterPartitionReassignments({
        topics: [{ topic, partitionAssignment: [{ partition: 1, replicas: [LEADER] }] }],
      }),
    );
    await poll(async () => (await brokers.partitions(topic)).map(({ leader }) => leader)).toEqual([LEADER, LEADER]);
    await send();
    expect((await ends())[1]).toBe(String(2 * Number(second)));
  } finally {
    await producer.close();
  }
});
