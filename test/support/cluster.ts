import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { loadConfig } from '#libs/platform/config/config.ts';
import { type KafkaCluster, requireKafka } from '#libs/platform/config/kafka.ts';
import { type Answer, ask, type ServiceAddress } from '#libs/platform/http.ts';
import type { ClientOptions } from '#libs/platform/kafka/client.ts';
import { clientSecurity } from '#libs/platform/kafka/security.ts';
import { openLog } from '#libs/platform/log.ts';
import { connectAddress } from '#libs/source/connect/http.ts';

/**
 * Broker, registry and Connect as seen by one login: every client of a test is made from this value, so that tests are the
 * same with and without TLS and passwords.
 */
export interface Cluster extends KafkaCluster {
  readonly connect: ServiceAddress;
  /** The same as the environment of a program. */
  readonly env: Readonly<Record<string, string>>;
}

/** @param env the environment of a program, with all three addresses */
export function clusterOf(env: Readonly<Record<string, string>>): Cluster {
  const config = loadConfig(env);
  return { ...requireKafka(config), connect: connectAddress(config) ?? { url: '' }, env };
}

const NOBODY = 'http://127.0.0.1:1';

/** The addresses of a cluster that is not there. */
export const NOWHERE = { KAFKA_BROKERS: '127.0.0.1:1', SCHEMA_REGISTRY_URL: NOBODY, CONNECT_URL: NOBODY };

/** Options for our own clients. */
export const clientOf = ({ brokers, security }: KafkaCluster): ClientOptions => ({
  brokers,
  security,
  clientId: 'test',
  log: openLog('silent'),
});

/** Its name in the broker's access control lists. */
export function principalOf({ security: { sasl } }: KafkaCluster): string {
  return `User:${sasl !== undefined && 'username' in sasl ? sasl.username : 'ANONYMOUS'}`;
}

/** A client of the Kafka library, without our code. */
export const bareKafka = ({ brokers, security }: KafkaCluster): kafkajs.Kafka =>
  new kafkajs.Kafka({ brokers: [...brokers], ...clientSecurity(security), logLevel: kafkajs.logLevel.NOTHING });

/** Sends the registry or Connect a request that our clients do not send. */
export const askPlainly = (address: ServiceAddress, path: string, method = 'GET', body?: string): Promise<Answer> =>
  ask({
    ...address,
    url: `${address.url}${path}`,
    method,
    contentType: 'application/json',
    timeoutMs: 60_000,
    ...(body === undefined ? {} : { body }),
  });

/**
 * Makes topics, and resolves when the broker knows them and their leaders. The library's own wait fails if the broker that
 * it asks has not heard of them yet, since the controller tells it a moment later.
 */
export async function createTopics(admin: kafkajs.Admin, topics: readonly kafkajs.ITopicConfig[]): Promise<void> {
  await admin.createTopics({ topics: [...topics], waitForLeaders: false });
  for (;;) {
    try {
      await admin.fetchTopicMetadata({ topics: topics.map(({ topic }) => topic) });
      return;
    } catch (error) {
      if ((error as { type?: string }).type !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
      await sleep(50);
    }
  }
}
