import kafkajs from 'kafkajs';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { type ClientOptions, closeQuietly, openClient, toBrokerFault } from './client.ts';
import type { Admin, TopicSpec, Watermarks } from './contract.ts';

/** What a cluster answers, for ever, to a topic that it cannot make as it was asked to. */
const REFUSALS = new Set([
  'INVALID_REPLICATION_FACTOR',
  'INVALID_PARTITIONS',
  'INVALID_CONFIG',
  'INVALID_TOPIC_EXCEPTION',
  'POLICY_VIOLATION',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
]);

/** Connects at the first question; asks anew after a failure. */
export function openAdmin(options: ClientOptions): Admin {
  const client = openClient(options);
  let connected: Promise<kafkajs.Admin> | undefined;
  const connect = async (): Promise<kafkajs.Admin> => {
    const admin = client.admin();
    await admin.connect();
    return admin;
  };
  const ask = async <T>(doing: string, question: (admin: kafkajs.Admin) => Promise<T>): Promise<T> => {
    connected ??= connect();
    const present = connected;
    try {
      return await question(await present);
    } catch (error) {
      if (connected === present) connected = undefined;
      present.then((admin) => closeQuietly(() => admin.disconnect())).catch(() => {});
      if (error instanceof ConfigurationError) throw error;
      throw toBrokerFault(error, `the Kafka cluster ${options.brokers.join(',')} does not answer (${doing})`);
    }
  };
  return {
    clusterId: () => ask('asking for its name', async (admin) => (await admin.describeCluster()).clusterId),
    ensureTopics: (topics) => ask('making topics', (admin) => ensureTopics(admin, topics)),
    watermarks: (topics) => ask('asking for offsets', (admin) => readWatermarks(admin, topics)),
    close: async () => {
      const present = connected;
      connected = undefined;
      await closeQuietly(async () => (await present)?.disconnect());
    },
  };
}

async function ensureTopics(admin: kafkajs.Admin, specs: readonly TopicSpec[]): Promise<string[]> {
  const known = new Set(await admin.listTopics());
  const missing = specs.filter(({ topic }) => !known.has(topic));
  if (missing.length === 0) return [];
  try {
    await admin.createTopics({
      topics: missing.map(({ topic, partitions, replication, config = {} }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: replication,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      })),
    });
  } catch (error) {
    refuse(error);
    throw error;
  }
  return missing.map(({ topic }) => topic);
}

function refuse(error: unknown): void {
  const errors = error instanceof kafkajs.KafkaJSAggregateError ? error.errors : [error];
  for (const one of errors) {
    const { type, topic, message } = one as { type?: string; topic?: string; message: string };
    if (type === undefined || !REFUSALS.has(type)) continue;
    throw new ConfigurationError(
      `the Kafka cluster will not make the topic ${topic ?? ''}: ${message} (${type})`,
      'correct KAFKA_PARTITIONS, KAFKA_REPLICATION and KAFKA_TOPIC_PREFIX, or have an administrator make the topic',
      { cause: error },
    );
  }
}

async function readWatermarks(admin: kafkajs.Admin, topics: readonly string[]): Promise<Watermarks[]> {
  const all: Watermarks[] = [];
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      all.push({ topic, partition, low: BigInt(low), high: BigInt(high) });
    }
  }
  return all;
}
