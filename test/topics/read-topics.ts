import type kafkajs from 'kafkajs';
import { FAMILIES } from '#libs/domain/family.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import type { Watermarks } from '#libs/platform/kafka/contract.ts';
import type { SchemaRegistry } from '#libs/platform/registry/contract.ts';
import { openRegistry } from '#libs/platform/registry/registry.ts';
import { featureTopicOf } from '#libs/store/features/outbox.ts';
import { bareKafka, type Cluster, clientOf } from '../support/cluster.ts';
import type { Received } from './fakes.ts';
import { until } from './relays.ts';

export interface Placed extends Received {
  readonly partition: number;
}

/** Everything on the feature topics now, decoded through the registry. */
export async function readTopics(cluster: Cluster): Promise<Placed[]> {
  const registry = openRegistry(cluster.registry);
  const topics = FAMILIES.map(featureTopicOf);
  const ends = (await endsOf(cluster, topics)).filter(({ low, high }) => high > low);
  const open = new Set(ends.map(({ topic, partition }) => `${topic} ${partition}`));
  const found: Promise<Placed>[] = [];
  const consumer = bareKafka(cluster).consumer({ groupId: `test-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: ({ topic, partition, message }) => {
      found.push(decode(registry, topic, partition, message));
      const end = ends.find((place) => place.topic === topic && place.partition === partition);
      if (BigInt(message.offset) + 1n >= (end?.high ?? 0n)) open.delete(`${topic} ${partition}`);
      return Promise.resolve();
    },
  });
  await until('both topics are read to their ends', () => open.size === 0);
  await consumer.disconnect();
  return Promise.all(found);
}

async function endsOf(cluster: Cluster, topics: readonly string[]): Promise<readonly Watermarks[]> {
  const admin = openAdmin(clientOf(cluster));
  try {
    return await admin.watermarks(topics);
  } finally {
    await admin.close();
  }
}

async function decode(
  registry: SchemaRegistry,
  topic: string,
  partition: number,
  { key, value, headers }: kafkajs.KafkaMessage,
): Promise<Placed> {
  const ids = (await registry.decode(key ?? Buffer.alloc(0))) as { student_id: number; course_id: number };
  return {
    topic,
    partition,
    student: ids.student_id,
    course: ids.course_id,
    rowVersion: BigInt(String(headers?.['row_version'])),
    value: value === null ? null : ((await registry.decode(value)) as Received['value']),
  };
}
