import { namesOf, requireAddress, sourceAddress } from '#libs/platform/config/config.ts';
import { requireKafka } from '#libs/platform/config/kafka.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import { type Log, moduleLog } from '#libs/platform/log.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { openRegistry } from '#libs/platform/registry/registry.ts';
import type { ChangeSource, ProgressStore, SourceParts } from './contract.ts';
import { kafkaSource } from './kafka/index.ts';
import { readFloat } from './kafka/values.ts';
import { pgoutputSource } from './pgoutput/index.ts';

export interface PgoutputParts {
  readonly config: SettingValues;
  readonly address: DatabaseAddress;
  readonly progress: ProgressStore;
  readonly log: Log;
}

/** Staging many snapshot rows at once is cheap, and nobody waits for the first of them. */
const SNAPSHOT_BATCHES_AT_ONCE = 5;

/** The source that reads the database directly, as configured. */
export function openPgoutput({ config, address, progress, log }: PgoutputParts): ChangeSource {
  const own = moduleLog(log, 'source');
  return pgoutputSource({
    address,
    progress,
    publication: config.SOURCE_PUBLICATION,
    slotPrefix: config.SOURCE_SLOT,
    names: namesOf(config),
    slotLimit: config.SOURCE_SLOT_LIMIT,
    maxBatch: config.BATCH_SIZE,
    snapshotBatch: SNAPSHOT_BATCHES_AT_ONCE * config.BATCH_SIZE,
    log: (level, message) => own[level](message),
  });
}

/**
 * The source for a role that runs as its own process.
 * @throws ConfigurationError when the environment does not say where changes come from
 */
export function openSource({ role, tables, config, progress, partitions, log }: SourceParts): ChangeSource {
  if (config.CDC_SOURCE === 'pgoutput') {
    const address = requireAddress(sourceAddress(config), 'SOURCE_DB', 'the database of the LMSConnector');
    return openPgoutput({ config, address, progress, log });
  }
  const { brokers, security, registry } = requireKafka(config);
  return kafkaSource({
    brokers,
    security,
    registry: openRegistry({ ...registry, readFloat }),
    group: `${config.KAFKA_GROUP_PREFIX}.${role}`,
    topicPrefix: config.KAFKA_TOPIC_PREFIX,
    names: namesOf(config),
    tables,
    partitions: config.KAFKA_PARTITIONS,
    replication: config.KAFKA_REPLICATION,
    progress: partitions,
    maxBatch: config.BATCH_SIZE,
    log: moduleLog(log, 'source'),
  });
}
