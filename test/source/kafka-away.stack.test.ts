import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import { BrokerFault, type Producer } from '#libs/platform/kafka/contract.ts';
import { openProducer } from '#libs/platform/kafka/producer.ts';
import { openLog } from '#libs/platform/log.ts';
import type { SchemaRegistry } from '#libs/platform/registry/contract.ts';
import { kafkaSource } from '#libs/source/kafka/index.ts';
import { type Listening, listen, numbers, poll, valuesOf } from '../platform/listening.ts';
import { bareKafka, type Cluster, clientOf } from '../support/cluster.ts';
import { type OwnStack, ownStack } from '../support/stack.ts';
import { MemoryPartitions } from './kafka-world.ts';
import { eventually } from './stage.ts';
import { Reader, Replica, type SourceWorld } from './world.ts';

let stack: OwnStack;
let readers: Reader[] = [];
let worlds = 0;
const log = openLog('silent');

beforeAll(async () => {
  stack = await ownStack({ parts: ['broker'] });
});
afterEach(() => {
  for (const reader of readers) reader.stop();
  readers = [];
});
afterAll(() => stack?.stop());

const cluster = (): Cluster => stack.as('admin');
const client = () => clientOf(cluster());

/** Records as JSON, so that only a broker is needed. */
const registry: SchemaRegistry = {
  register: async () => 1,
  decode: async (message) => JSON.parse(message.toString()) as unknown,
};

function open() {
  worlds += 1;
  const topicPrefix = `away${worlds}`;
  const topic = `${topicPrefix}.public.students`;
  const progress = new MemoryPartitions();
  const replica = new Replica();
  const source = kafkaSource({
    ...cluster(),
    registry,
    group: `${topicPrefix}-students`,
    topicPrefix,
    names: sourceNames(),
    tables: ['students'],
    partitions: 2,
    replication: 1,
    progress,
    maxBatch: 100,
    log,
    checkEvery: 300,
  });
  const producer = openProducer(client());
  let lsn = 0;
  const write = async (): Promise<string> => {
    const id = randomUUID();
    lsn += 8;
    const from = { table: 'students', lsn, txId: lsn, ts_ms: 1 };
    const value = Buffer.from(
      JSON.stringify({ op: 'c', after: { id, firstname: null, lastname: null }, source: from }),
    );
    await producer.send(topic, [{ key: Buffer.from(id), value, headers: { 'prepadata.epoch': '1' } }]);
    return id;
  };
  const world = { progress } as unknown as SourceWorld;
  const read = (): Reader => {
    const reader = new Reader(world, replica).start(source);
    readers.push(reader);
    return reader;
  };
  return { source, topic, progress, replica, producer, write, read };
}

async function listenToNew(timeoutMs?: number): Promise<{ topic: string; listening: Listening; producer: Producer }> {
  const topic = `topic-${randomUUID()}`;
  const admin = openAdmin(client());
  await admin.ensureTopics([{ topic, partitions: 1, replication: 1 }]);
  await admin.close();
  const listening = listen(topic, { ...client(), ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  const producer = openProducer(client());
  await poll(() => listening.assigned.length).toBe(1);
  return { topic, listening, producer };
}

test('a broker that is killed is waited for by producers and consumers, and nothing that it acknowledged is lost', async () => {
  const { topic, listening, producer } = await listenToNew();
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
  await poll(() => listening.records.length).toBeGreaterThan(30);
  await stack.kill('broker');
  await poll(() => faults.length).toBeGreaterThan(0);
  await poll(() => listening.troubles.at(-1)).toMatch(/does not answer/);
  expect(faults.every((fault) => fault instanceof BrokerFault)).toBe(true);
  await stack.start('broker');
  const before = sent.length;
  await poll(() => sent.length).toBeGreaterThan(before + 30);
  await poll(() => listening.troubles.at(-1)).toBe('back');
  stopped = true;
  await sending;
  await poll(() => new Set(valuesOf(listening.records)).size).toBeGreaterThanOrEqual(sent.length);
  // Records sent again after a failure may appear twice, but the order of first appearances holds.
  const distinct = [...new Set(valuesOf(listening.records))];
  expect(distinct.slice(0, sent.length)).toEqual(sent);
  await Promise.all([listening.consumer.close(), producer.close()]);
});

test('a broker that stands still, its connections open, is told in time, and waited for', async () => {
  const { topic, listening, producer } = await listenToNew(2_000);
  await poll(() => listening.troubles).toEqual(['back']);
  const { pid } = stack.broker;
  process.kill(pid, 'SIGSTOP');
  try {
    await poll(() => listening.troubles.at(-1)).toMatch(/does not answer/);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await producer.send(topic, numbers(0, 3));
  await poll(() => listening.records.length).toBe(3);
  await poll(() => listening.troubles.at(-1)).toBe('back');
  await Promise.all([listening.consumer.close(), producer.close()]);
});

test('a broker that is away is waited for, in sight, and nothing is lost', async () => {
  const { source, replica, producer, write, read } = open();
  const reader = read();
  await eventually(() => source.status().detail).toBe('reading 2 partitions');
  const first = await write();
  await eventually(() => replica.knows('students', first)).toBe(true);
  expect(source.status()).toMatchObject({ state: 'streaming', lagRecords: 0n });
  await stack.kill('broker');
  await eventually(() => source.status()).toMatchObject({
    state: 'waiting',
    detail: expect.stringContaining('does not answer'),
  });
  // One that starts in the meantime waits as well.
  const late = open();
  const lateReader = late.read();
  await eventually(() => late.source.status().state).toBe('waiting');
  await stack.start('broker');
  await eventually(() => source.status().state).toBe('streaming');
  await eventually(() => late.source.status().state).toBe('streaming');
  const second = await write();
  await eventually(() => replica.knows('students', second)).toBe(true);
  expect([reader.error, lateReader.error, reader.violations]).toEqual([undefined, undefined, []]);
  await Promise.all([producer.close(), late.producer.close()]);
});

test('so is an analytics database that is away', async () => {
  const { source, progress, replica, producer, write, read } = open();
  const openRows = progress.open.bind(progress);
  let isAway = true;
  progress.open = async (streams, origin) => {
    if (isAway) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    return openRows(streams, origin);
  };
  const reader = read();
  await eventually(() => source.status().detail).toBe(
    'the analytics database, which keeps the progress, does not answer: connect ECONNREFUSED',
  );
  expect(source.status().state).toBe('waiting');
  isAway = false;
  const id = await write();
  await eventually(() => replica.knows('students', id)).toBe(true);
  await eventually(() => source.status().state).toBe('streaming');
  expect(reader.error).toBeUndefined();
  await producer.close();
});

test('topics that cannot be made end the source with what to correct', async () => {
  const progress = new MemoryPartitions();
  const source = kafkaSource({
    ...cluster(),
    registry,
    group: 'impossible',
    topicPrefix: 'impossible',
    names: sourceNames(),
    tables: ['students'],
    partitions: 2,
    replication: 3,
    progress,
    maxBatch: 100,
    log,
  });
  const reader = new Reader({ progress } as unknown as SourceWorld, new Replica()).start(source);
  readers.push(reader);
  await eventually(() => reader.error).toMatchObject({
    code: 'configuration',
    hint: expect.stringContaining('KAFKA_REPLICATION'),
  });
});

test('a topic that is deleted under its reader is named and made anew, which is a gap', async () => {
  const { source, topic, replica, producer, write, read } = open();
  const reader = read();
  const said = new Set<string>();
  const id = await write();
  await eventually(() => replica.knows('students', id)).toBe(true);
  const admin = bareKafka(cluster()).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  await eventually(() => {
    const { detail } = source.status();
    said.add(detail);
    return detail;
  }).toMatch(/a gap in .*made anew/);
  expect([...said].filter((detail) => detail.includes(`does not have the topic ${topic}`))).not.toEqual([]);
  expect(reader.error).toBeUndefined();
  await Promise.all([admin.disconnect(), producer.close()]);
});
