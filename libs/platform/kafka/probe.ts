import { Kafka, logLevel } from 'kafkajs';
import { clientSecurity, type KafkaSecurity } from './security.ts';

const TIMEOUT_MS = 2_000;

/**
 * Asks once whether the cluster is there and has a controller, which is when it takes topics and messages.
 * @param brokers as host:port; false also when nobody listens there
 */
export async function clusterAnswers(brokers: readonly string[], security?: KafkaSecurity): Promise<boolean> {
  const kafka = new Kafka({
    clientId: 'prepadata-probe',
    brokers: [...brokers],
    ...clientSecurity(security),
    connectionTimeout: TIMEOUT_MS,
    requestTimeout: TIMEOUT_MS,
    retry: { retries: 0 },
    // A broker that is not there yet is the question here, and no news.
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    return cluster.brokers.length > 0 && cluster.controller !== null && cluster.controller >= 0;
  } catch {
    return false;
  } finally {
    await admin.disconnect().catch(() => {});
  }
}
