import type kafkajs from 'kafkajs';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { type ClientOptions, closeQuietly, inTime, openClient } from './client.ts';
import type { Admin, Watermarks } from './contract.ts';
import { toBrokerFault } from './faults.ts';
import { ensureTopics } from './topics.ts';

/** Connects at the first request, and again after a failure. */
export function openAdmin(options: ClientOptions): Admin {
  const client = openClient(options);
  const keeping = { brokers: options.brokers, log: options.log, told: new Set<string>() };
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
      return await inTime(options, present.then(question));
    } catch (error) {
      if (connected === present) connected = undefined;
      present.then((admin) => closeQuietly(() => admin.disconnect())).catch(() => {});
      if (error instanceof ConfigurationError) throw error;
      throw toBrokerFault(error, { brokers: options.brokers, doing });
    }
  };
  return {
    clusterId: () => ask('asking for its name', async (admin) => (await admin.describeCluster()).clusterId),
    ensureTopics: (topics) => ask('making topics', (admin) => ensureTopics(admin, topics, keeping)),
    watermarks: (topics) => ask('asking for offsets', (admin) => readWatermarks(admin, topics, options)),
    close: async () => {
      const present = connected;
      connected = undefined;
      await closeQuietly(async () => (await present)?.disconnect());
    },
  };
}

async function readWatermarks(
  admin: kafkajs.Admin,
  topics: readonly string[],
  { brokers }: ClientOptions,
): Promise<Watermarks[]> {
  const all: Watermarks[] = [];
  for (const topic of topics) {
    const offsets = await admin.fetchTopicOffsets(topic).catch((error: unknown) => {
      throw toBrokerFault(error, { brokers, doing: 'asking for offsets', topics: [topic] });
    });
    for (const { partition, low, high } of offsets) {
      all.push({ topic, partition, low: BigInt(low), high: BigInt(high) });
    }
  }
  return all;
}
