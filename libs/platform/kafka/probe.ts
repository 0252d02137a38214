import { Kafka, logLevel } from 'kafkajs';
import { clientSecurity, type KafkaSecurity } from './security.ts';

const TIMEOUT_MS = 2_000;

/**
 * Asks once whether the cluster is up and has a controller: then it accepts topics and messages.
 * @param brokers as host:port; the answer is false if nothing listens there
 */
export async function clusterAnswers(brokers: readonly string[], security?: KafkaSecurity): Promise<boolean> {
  const kafka = new Kafka({
    clientId: 'prepadata-probe',
    brokers: [...brokers],
    ...clientSecurity(security),
    connectionTimeout: TIMEOUT_MS,
    requestTimeout: TIMEOUT_MS,
    retry: { retries: 0 },
    // Whether a broker is there yet is the question here, and not worth a line in the log.
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
