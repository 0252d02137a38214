import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import { openConsumer } from '#libs/platform/kafka/consumer.ts';
import { type Admin, BrokerFault, type Consumer, type Producer } from '#libs/platform/kafka/contract.ts';
import { openProducer } from '#libs/platform/kafka/producer.ts';
import { clientOf } from '../support/cluster.ts';
import { useStack } from '../support/stack.ts';
import { type Listening, listen as listenTo, numbers, poll, valuesOf } from './listening.ts';

let admin: Admin;
let producer: Producer;
let consumers: Consumer[] = [];

const options = () => clientOf(useStack());

beforeAll(() => {
  admin = openAdmin(options());
  producer = openProducer(options());
});
afterAll(async () => {
  await producer.close();
  await admin.close();
});
afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.close()));
  consumers = [];
});

async function freshTopic(partitions = 1, config: Record<string, string> = {}): Promise<string> {
  const topic = `topic-${randomUUID()}`;
  expect(await admin.ensureTopics([{ topic, partitions, replication: 1, config }])).toEqual({
    made: [topic],
    fixed: [],
  });
  return topic;
}

function listen(topic: string, partitions = 1, group?: string): Listening {
  const listening = listenTo(topic, { ...options(), partitions, ...(group === undefined ? {} : { group }) });
  consumers.push(listening.consumer);
  return listening;
}

describe('topics', () => {
  test('are made once, with their settings, and have a beginning and an end', async () => {
    const topic = await freshTopic(3, { 'cleanup.policy': 'compact' });
    expect(await admin.ensureTopics([{ topic, partitions: 9, replication: 1 }])).toEqual({ made: [], fixed: [] });
    await producer.send(topic, numbers(0, 5));
    const marks = await admin.watermarks([topic]);
    expect(marks.length).toBe(3);
    expect(marks.reduce((sum, { low, high }) => sum + high - low, 0n)).toBe(5n);
    expect(await admin.clusterId()).toMatch(/^\S{22}$/);
  });

  test('that can never be made are the configuration’s fault', async () => {
    const refused = admin.ensureTopics([{ topic: 'too-many-replicas', partitions: 1, replication: 3 }]);
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow(/too-many-replicas/);
  });

  test('that are not there are a fault of the cluster', async () => {
    await expect(admin.watermarks(['nobody-made-it'])).rejects.toThrow(BrokerFault);
    await expect(producer.send('nobody-made-it', numbers(0, 1))).rejects.toThrow(BrokerFault);
    // And the next message gets through.
    const topic = await freshTopic();
    await producer.send(topic, numbers(0, 1));
  });
});

test('more than a topic takes at once is refused as what may be halved, with the command that has it take more', async () => {
  const topic = await freshTopic(1, { 'max.message.bytes': '2000' });
  const fault = await producer.send(topic, large(3)).catch((error: unknown) => error);
  expect(fault).toBeInstanceOf(BrokerFault);
  expect(fault).toMatchObject({
    refusal: 'MESSAGE_TOO_LARGE',
    message: expect.stringMatching(/kafka-configs\.sh .* --entity-name \S+ --add-config max\.message\.bytes=/),
  });
  for (const message of large(3)) await producer.send(topic, [message]);
});

const large = (count: number) => Array.from({ length: count }, () => ({ key: null, value: randomBytes(1_000) }));

/** The shortest that the broker allows by default. */
const SESSION_MS = 6_000;

describe('messages', () => {
  test('of one key keep their order, and all they carry', async () => {
    const topic = await freshTopic(4);
    await Promise.all(Array.from({ length: 20 }, (_, index) => producer.send(topic, numbers(10 * index, 10))));
    await producer.send(topic, [{ key: Buffer.from('key'), value: null, headers: { version: '7' } }]);
    const { records } = listen(topic, 4);
    await poll(() => records.length).toBe(201);
    expect(valuesOf(records.slice(0, 200))).toEqual(Array.from({ length: 200 }, (_, index) => String(index)));
    expect(records.at(-1)).toEqual({
      offset: 200n,
      leaderEpoch: 0,
      inTransaction: false,
      key: Buffer.from('key'),
      value: null,
      headers: { version: Buffer.from('7') },
    });
  });

  test('go to the members of a group, and to those that are left', async () => {
    const topic = await freshTopic(4);
    const one = listen(topic, 4, `shared ${topic}`);
    await poll(() => one.assigned.at(-1)).toBe(4);
    const two = listen(topic, 4, `shared ${topic}`);
    await poll(() => [one.assigned.at(-1), two.assigned.at(-1)]).toEqual([2, 2]);
    await one.consumer.close();
    await poll(() => two.assigned.at(-1)).toBe(4);
  });

  test('wait for a slow reader, which stays in its group', async () => {
    const topic = await freshTopic();
    let taken = 0;
    let joined = 0;
    const consumer = openConsumer({
      ...options(),
      group: `slow ${topic}`,
      sessionMs: SESSION_MS,
      topics: [topic],
      partitions: 1,
      handler: {
        onAssigned: ([partition]) => {
          joined += 1;
          if (partition !== undefined) consumer.begin(partition, 0n);
        },
        onRevoked: () => {},
        onBatch: async ({ records }) => {
          taken += records.length;
          await sleep(1.5 * SESSION_MS);
          return true;
        },
        onHeard: () => {},
        onTrouble: () => {},
        onFailure: () => {},
      },
    });
    consumers.push(consumer);
    await poll(() => joined).toBe(1);
    await producer.send(topic, numbers(0, 1));
    await poll(() => taken).toBe(1);
    await producer.send(topic, numbers(1, 1));
    await poll(() => taken).toBe(2);
    expect(joined).toBe(1);
  });
});
