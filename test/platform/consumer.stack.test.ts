import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import { CodecFault, installCodecs, UnknownCodec } from '#libs/platform/kafka/codecs.ts';
import { type Admin, BrokerFault, type Producer } from '#libs/platform/kafka/contract.ts';
import { openProducer } from '#libs/platform/kafka/producer.ts';
import { bareKafka, type Cluster, clientOf, principalOf } from '../support/cluster.ts';
import { useStack } from '../support/stack.ts';
import { type Listening, listen as listenTo, numbers, poll, valuesOf } from './listening.ts';

/* What a consumer reads, and how it keeps trying when it cannot. */

const { CompressionTypes: types, CompressionCodecs: codecs, AclOperationTypes, AclPermissionTypes } = kafkajs;

let cluster: Cluster;
let kafka: kafkajs.Admin;
let admin: Admin;
let producer: Producer;
let listening: Listening[] = [];

beforeAll(async () => {
  cluster = useStack();
  kafka = bareKafka(cluster).admin();
  await kafka.connect();
  admin = openAdmin(clientOf(cluster));
  producer = openProducer(clientOf(cluster));
});
afterEach(async () => {
  installCodecs();
  await Promise.all(listening.map(({ consumer }) => consumer.close()));
  listening = [];
});
afterAll(() => Promise.all([kafka?.disconnect(), admin?.close(), producer?.close()]));

async function freshTopic(config: Record<string, string> = {}): Promise<string> {
  const topic = `consumer-${randomUUID()}`;
  await admin.ensureTopics([{ topic, partitions: 1, replication: 1, config }]);
  return topic;
}

function listen(topic: string, group?: string): Listening {
  const one = listenTo(topic, { ...clientOf(cluster), ...(group === undefined ? {} : { group }) });
  listening.push(one);
  return one;
}

const NUMBERS = Array.from({ length: 5_000 }, (_, index) => String(index));

describe('compression', () => {
  test.each(['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'])(
    '%s by the broker, as the topic has it, is read',
    async (codec) => {
      const topic = await freshTopic({ 'compression.type': codec });
      await producer.send(topic, numbers(0, 4_000));
      await producer.send(topic, numbers(4_000, 1_000));
      const { records, troubles } = listen(topic);
      await poll(() => records.length).toBe(5_000);
      expect(valuesOf(records)).toEqual(NUMBERS);
      expect(troubles.filter((said) => said !== 'back')).toEqual([]);
    },
  );

  test('that is not known ends the consumer, which names topic and setting', async () => {
    const topic = await freshTopic({ 'compression.type': 'zstd' });
    await producer.send(topic, numbers(0, 10));
    const { failures, records, assigned } = listen(topic);
    // Like a codec that Kafka introduces one day.
    forget(types.ZSTD, () => {
      throw new UnknownCodec('a batch is compressed with codec 5, which is not known here');
    });
    await poll(() => failures.length).toBe(1);
    expect(failures[0]).toBeInstanceOf(ConfigurationError);
    expect(failures[0]?.message).toContain(topic);
    expect((failures[0] as ConfigurationError).hint).toContain('compression.type');
    await sleep(1_000);
    expect([assigned, records]).toEqual([[1], []]);
  });
});

/** Replaces one of the library's codecs until the test is over. */
function forget(type: number, codec: () => unknown): void {
  (codecs as Record<number, () => unknown>)[type] = codec;
}

test('a consumer that is asked to joins its group again, says why, and reads on', async () => {
  const topic = await freshTopic();
  const { assigned, records, troubles, consumer } = listen(topic);
  await producer.send(topic, numbers(0, 10));
  await poll(() => records.length).toBe(10);
  consumer.rejoin(new BrokerFault('nothing is fetched'));
  await poll(() => assigned.length).toBe(2);
  await producer.send(topic, numbers(10, 10));
  await poll(() => records.length).toBe(20);
  expect(troubles).toContain('nothing is fetched');
  await poll(() => troubles.at(-1)).toBe('back');
});

test('partitions that a topic gets later are read, too', async () => {
  const topic = await freshTopic();
  const { assigned, records } = listen(topic);
  await poll(() => assigned).toEqual([1]);
  await kafka.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
  const theirs = bareKafka(cluster).producer();
  await theirs.connect();
  await theirs.send({ topic, messages: [{ partition: 1, value: 'late' }] });
  await theirs.disconnect();
  await poll(() => valuesOf(records)).toEqual(['late']);
  expect(assigned.at(-1)).toBe(2);
});

describe('a consumer that falls over', () => {
  test('as soon as it reads tries ever more slowly, says why all the while, and is well again by itself', async () => {
    const topic = await freshTopic({ 'compression.type': 'lz4' });
    await producer.send(topic, numbers(0, 10));
    const { troubles, assigned, records } = listen(topic);
    forget(types.LZ4, () => ({
      decompress: async () => {
        throw new CodecFault('a batch cannot be read');
      },
    }));
    await poll(() => troubles.length).toBeGreaterThan(0);
    await sleep(5_000);
    expect(assigned.length).toBeGreaterThan(2);
    // 100 ms, then doubling; without backing off it was five times a second.
    expect(assigned.length).toBeLessThan(8);
    expect(troubles.length).toBeGreaterThanOrEqual(assigned.length - 1);
    expect(new Set(troubles.map((said) => /a batch cannot be read/.test(said)))).toEqual(new Set([true]));
    installCodecs();
    await poll(() => records.length).toBe(10);
    await poll(() => troubles.at(-1)).toBe('back');
  });

  test('since it may not read its group, or its topic, says which right is missing', async () => {
    const [topic, group] = [await freshTopic(), `denied ${randomUUID()}`];
    const denials = [
      { resourceType: kafkajs.AclResourceTypes.GROUP, resourceName: group },
      { resourceType: kafkajs.AclResourceTypes.TOPIC, resourceName: topic },
    ];
    const acl = (denial: (typeof denials)[number]) => ({
      ...denial,
      resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
      principal: principalOf(cluster),
      host: '*',
      operation: AclOperationTypes.READ,
      permissionType: AclPermissionTypes.DENY,
    });
    await kafka.createAcls({ acl: denials.map(acl) });
    const { troubles, assigned, records } = listen(topic, group);
    await poll(() => troubles.at(-1)).toMatch(`does not let us at the topic ${topic}`);
    await allow(denials[1]);
    await poll(() => troubles.at(-1)).toMatch(`does not let us into the consumer group ${group}`);
    expect(troubles.at(-1)).toContain(`--operation Read --group ${group}`);
    expect(assigned).toEqual([]);
    await allow(denials[0]);
    await producer.send(topic, numbers(0, 3));
    await poll(() => records.length).toBe(3);
    await poll(() => troubles.at(-1)).toBe('back');
  });

  async function allow(denial: { resourceType: number; resourceName: string } | undefined): Promise<void> {
    if (denial === undefined) return;
    await kafka.deleteAcls({
      filters: [
        {
          ...denial,
          resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
          operation: AclOperationTypes.ANY,
          permissionType: AclPermissionTypes.ANY,
        },
      ],
    });
  }

  test('since another program has its group says so, and joins when that has gone', async () => {
    const [topic, group] = [await freshTopic(), `taken ${randomUUID()}`];
    const theirs = bareKafka(cluster).consumer({
      groupId: group,
      partitionAssigners: [
        (config) => ({
          ...kafkajs.PartitionAssigners.roundRobin(config),
          name: 'TheirOwn',
          protocol: named('TheirOwn'),
        }),
      ],
    });
    await theirs.connect();
    await theirs.subscribe({ topics: [topic] });
    const joined = new Promise<void>((resolve) => theirs.on(theirs.events.GROUP_JOIN, () => resolve()));
    await theirs.run({ eachMessage: async () => {} });
    await joined;
    const { troubles, assigned } = listen(topic, group);
    await poll(() => troubles.at(-1)).toMatch(`the consumer group ${group} is in use by another program`);
    await theirs.disconnect();
    await poll(() => assigned).toEqual([1]);
    await poll(() => troubles.at(-1)).toBe('back');
  });

  const named =
    (name: string) =>
    ({ topics }: { topics: string[] }) => ({
      name,
      metadata: kafkajs.AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
    });

  test('since its topic is gone joins no more often, and says so', async () => {
    const topic = await freshTopic();
    await producer.send(topic, numbers(0, 1));
    const { troubles, assigned, records } = listen(topic);
    await poll(() => records.length).toBe(1);
    await kafka.deleteTopics({ topics: [topic] });
    await poll(() => troubles.filter((said) => said !== 'back').length).toBeGreaterThan(0);
    await sleep(3_000);
    expect(troubles.at(-1)).toMatch(/does not have the topic consumer-.*: it was deleted/);
    expect(assigned.length).toBeLessThan(8);
  });
});
