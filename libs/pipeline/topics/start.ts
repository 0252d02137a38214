import type { Family } from '#libs/domain/family.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { requireKafka } from '#libs/platform/config/kafka.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import { openProducer } from '#libs/platform/kafka/producer.ts';
import type { Metrics } from '#libs/platform/metrics.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { openRegistry } from '#libs/platform/registry/registry.ts';
import { forgetTopic } from '#libs/store/features/outbox.ts';
import { type Starting, untilAnswered } from '#libs/store/schema/open.ts';
import { startRelay } from '../relay.ts';
import { type Role, roleOf } from '../role.ts';
import { openFeaturePublisher } from './publisher.ts';

export interface TopicParts extends Starting {
  readonly family: Family;
  readonly config: SettingValues;
  readonly settings: FeatureSettings;
  readonly db: Database;
  readonly metrics?: Metrics;
  fail(error: unknown): void;
}

/**
 * Sends the family's changed rows to its topic if topics are on. If they are off, empties the outbox, so that every key is
 * sent when they are switched on again.
 * @throws ConfigurationError when topics are on and the environment does not say where the cluster is
 */
export async function startTopic(parts: TopicParts): Promise<Role> {
  const { family, config, settings, db, log, metrics, fail } = parts;
  if (!settings.topics) {
    await untilAnswered(() => forgetTopic(db, family), parts);
    return roleOf([]);
  }
  const { brokers, security, registry } = requireKafka(config);
  const client = { brokers, security, clientId: `${config.KAFKA_GROUP_PREFIX}.${family}.relay`, log };
  const [producer, admin] = [openProducer(client), openAdmin(client)];
  const publisher = openFeaturePublisher({
    family,
    producer,
    admin,
    registry: openRegistry(registry),
    partitions: config.KAFKA_PARTITIONS,
    replication: config.KAFKA_REPLICATION,
  });
  const relay = startRelay({ db, publisher, log, onFailure: fail, ...(metrics === undefined ? {} : { metrics }) });
  const role = roleOf([relay]);
  return {
    troubles: () => role.troubles(),
    stop: async () => {
      await role.stop();
      await Promise.all([producer.close(), admin.close()]);
    },
  };
}
