import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { SourceNames } from '#libs/domain/source-tables/names.ts';
import type { KafkaSecurity } from '#libs/platform/kafka/security.ts';
import type { Log } from '#libs/platform/log.ts';
import type { SchemaRegistry } from '#libs/platform/registry/contract.ts';
import type { PartitionProgress } from '../contract.ts';

export interface KafkaSourceOptions {
  /** As `host:port`. */
  readonly brokers: readonly string[];
  /** Default: unencrypted, without a login. */
  readonly security?: KafkaSecurity;
  readonly registry: SchemaRegistry;
  /** Consumer group: its members share the partitions. */
  readonly group: string;
  /** `topic.prefix` of the connector. */
  readonly topicPrefix: string;
  /** The schema and names of the tables at the source. */
  readonly names: SourceNames;
  /** The tables to read. */
  readonly tables: readonly SourceTable[];
  /** For topics that have to be created. */
  readonly partitions: number;
  readonly replication: number;
  readonly progress: PartitionProgress;
  /** Maximum number of changes in one batch. */
  readonly maxBatch: number;
  readonly log: Log;
  /** How often the log's start and end, and whether gaps can be closed, are checked, milliseconds. Default 5,000. */
  readonly checkEvery?: number;
}

export type KafkaSettings = Required<KafkaSourceOptions>;

const CHECK_EVERY_MS = 5_000;

export const withKafkaDefaults = (options: KafkaSourceOptions): KafkaSettings => ({
  checkEvery: CHECK_EVERY_MS,
  security: {},
  ...options,
});

export const changeTopicOf = (
  { topicPrefix, names }: Pick<KafkaSettings, 'topicPrefix' | 'names'>,
  table: SourceTable,
): string => `${topicPrefix}.${names.schema}.${names.of(table).name}`;

/** The prefix of the names under which progress is kept for a topic's partitions. */
export const streamPrefix = (topic: string): string => `kafka:${topic}:`;

/** The name under which a partition's progress is kept. */
export const streamOf = (topic: string, partition: number): string => `${streamPrefix(topic)}${partition}`;
