import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import { openConsumer } from '#libs/platform/kafka/consumer.ts';
import { type Admin, BrokerFault, type Consumer, type Producer } from '#libs/platform/kafka/contract.ts';
import { openProducer } from '#libs/platform/kafka/producer.ts';
import { openLog } from '#libs/platform/log.ts';
import { type OwnStack, ownStack } from '../support/stack.ts';
import { type Listening, listen as listenTo, numbers, patiently, valuesOf } from './listening.ts';

let stack: OwnStack;
let admin: Admin;
let producer: Producer;
let consumers: Consumer[] = [];
let topics = 0;

const options = () => ({ brokers: [stack.broker.address], clientId: 'test', log: openLog('silent') });

beforeAll(async () => {
  stack = await ownStack({ parts: ['broker'] });
  admin = openAdmin(options());
  producer = openProducer(options());
});
afterAll(async () => {
  await producer.close();
  await admin.close();
  await stack.stop();
});
afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.close()));
  consumers = [];
});

async function freshTopic(partitions = 1, config: Record<string, string> = {}): Promise<string> {
  topics += 1;
  const topic = `topic-${topics}`;
  expect(await admin.ensureTopics([{ topic, partitions, replication: 1, config }])).toEqual({
    made: [topic],
    mended: [],
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
    expect(await admin.ensureTopics([{ topic, partitions: 9, replication: 1 }])).toEqual({ made: [], mended: [] });
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
    // And the next message goes.
    const topic = await freshTopic();
    await producer.send(topic, numbers(0, 1));
  });
});

describe('messages', () => {
  test('of one key keep their order, and all they carry', async () => {
    const topic = await freshTopic(4);
    await Promise.all(Array.from({ length: 20 }, (_, index) => producer.send(topic, numbers(10 * index, 10))));
    await producer.send(topic, [{ key: Buffer.from('key'), value: null, headers: { version: '7' } }]);
    const { records } = listen(topic, 4);
    await patiently(() => records.length).toBe(201);
    expect(valuesOf(records.slice(0, 200))).toEqual(Array.from({ length: 200 }, (_, index) => String(index)));
    expect(records.at(-1)).toEqual({
      offset: 200n,
      key: Buffer.from('key'),
      value: null,
      headers: { version: Buffer.from('7') },
    });
  });

  test('go to the members of a group, and to those that are left', async () => {
    const topic = await freshTopic(4);
    const one = listen(topic, 4, 'shared');
    await patiently(() => one.assigned.at(-1)).toBe(4);
    const two = listen(topic, 4, 'shared');
    await patiently(() => [one.assigned.at(-1), two.assigned.at(-1)]).toEqual([2, 2]);
    await one.consumer.close();
    await patiently(() => two.assigned.at(-1)).toBe(4);
  });

  test('wait for a slow reader, which stays in its group', async () => {
    const topic = await freshTopic();
    let taken = 0;
    let joined = 0;
    const consumer = openConsumer({
      ...options(),
      group: 'slow',
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
          // Longer than a session.
          await sleep(13_000);
          return true;
        },
        onHeard: () => {},
        onTrouble: () => {},
        onFailure: () => {},
      },
    });
    consumers.push(consumer);
    await patiently(() => joined).toBe(1);
    await producer.send(topic, numbers(0, 1));
    await patiently(() => taken).toBe(1);
    await producer.send(topic, numbers(1, 1));
    await patiently(() => taken).toBe(2);
    expect(joined).toBe(1);
  });
});

test('a broker that is killed is waited for, in sight, and nothing that it acknowledged is lost', async () => {
  const topic = await freshTopic();
  const listening = listen(topic);
  await patiently(() => listening.assigned.length).toBe(1);
  const sent: string[] = [];
  const faults: unknown[] = [];
  let next = 0;
  let stopped = false;
  const sending = (async () => {
    while (!stopped) {
      const messages = numbers(next, 3);
      try {
        await producer.send(topic, messages);
        sent.push(...messages.map(({ value }) => String(value)));
        next += 3;
      } catch (error) {
        faults.push(error);
      }
      await sleep(5);
    }
  })();
  await patiently(() => listening.records.length).toBeGreaterThan(30);
  await stack.kill('broker');
  await patiently(() => faults.length).toBeGreaterThan(0);
  await patiently(() => listening.troubles.at(-1)).toMatch(/does not answer/);
  expect(faults.every((fault) => fault instanceof BrokerFault)).toBe(true);
  await stack.start('broker');
  const before = sent.length;
  await patiently(() => sent.length).toBeGreaterThan(before + 30);
  await patiently(() => listening.troubles.at(-1)).toBe('back');
  stopped = true;
  await sending;
  await patiently(() => new Set(valuesOf(listening.records)).size).toBeGreaterThanOrEqual(sent.length);
  // What was sent again after a failure may be there twice, and never goes back beyond itself.
  const distinct = [...new Set(valuesOf(listening.records))];
  expect(distinct.slice(0, sent.length)).toEqual(sent);
});

test('a broker that stands still, its connections open, is told in time, and waited for', async () => {
  const topic = await freshTopic();
  const listening = listenTo(topic, { ...options(), timeoutMs: 2_000 });
  consumers.push(listening.consumer);
  await patiently(() => listening.troubles).toEqual(['back']);
  const { pid } = stack.broker;
  process.kill(pid, 'SIGSTOP');
  try {
    await patiently(() => listening.troubles.at(-1)).toMatch(/does not answer/);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await producer.send(topic, numbers(0, 3));
  await patiently(() => listening.records.length).toBe(3);
  await patiently(() => listening.troubles.at(-1)).toBe('back');
});
