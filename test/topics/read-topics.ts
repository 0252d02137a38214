import kafkajs from 'kafkajs';
import { FAMILIES } from '#libs/domain/family.ts';
import type { Admin } from '#libs/platform/kafka/contract.ts';
import { clientSecurity, type KafkaSecurity } from '#libs/platform/kafka/security.ts';
import type { SchemaRegistry } from '#libs/platform/registry/contract.ts';
import { featureTopicOf } from '#libs/store/features/outbox.ts';
import type { Received } from './fakes.ts';
import { until } from './relays.ts';

export interface Placed extends Received {
  readonly partition: number;
}

/** Everything that is on both feature topics now, decoded through the registry. */
export async function readTopics(kafka: kafkajs.Kafka, admin: Admin, registry: SchemaRegistry): Promise<Placed[]> {
  const topics = FAMILIES.map(featureTopicOf);
  const ends = (await admin.watermarks(topics)).filter(({ low, high }) => high > low);
  const open = new Set(ends.map(({ topic, partition }) => `${topic} ${partition}`));
  const found: Promise<Placed>[] = [];
  const consumer = kafka.consumer({ groupId: `test-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 100 });
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

export const bareKafka = (brokers: readonly string[], security?: KafkaSecurity): kafkajs.Kafka =>
  new kafkajs.Kafka({ brokers: [...brokers], ...clientSecurity(security), logLevel: kafkajs.logLevel.NOTHING });
