import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { SourceNames } from '#libs/domain/source-tables/names.ts';
import type { KafkaSecurity } from '#libs/platform/kafka/security.ts';
import type { Log } from '#libs/platform/log.ts';
import type { SchemaRegistry } from '#libs/platform/registry/contract.ts';
import type { PartitionProgress } from '../contract.ts';

export interface KafkaSourceOptions {
  /** As `host:port`. */
  readonly brokers: readonly string[];
  /** Default: in the clear, without a login. */
  readonly security?: KafkaSecurity;
  readonly registry: SchemaRegistry;
  /** Consumer group: its members share the partitions. */
  readonly group: string;
  /** `topic.prefix` of the connector. */
  readonly topicPrefix: string;
  /** Where the tables are at the source, and what they are called. */
  readonly names: SourceNames;
  /** The tables to read; of others nothing is asked. */
  readonly tables: readonly SourceTable[];
  /** Of a topic that has to be made. */
  readonly partitions: number;
  readonly replication: number;
  readonly progress: PartitionProgress;
  /** Most changes of one batch. */
  readonly maxBatch: number;
  readonly log: Log;
  /** How often the log's start and end are looked at, and whether a gap is fixed, milliseconds. Default 5,000. */
  readonly checkEvery?: number;
  /** What an operator runs to begin a new epoch. */
  readonly registerCommand?: string;
}

export type KafkaSettings = Required<KafkaSourceOptions>;

const CHECK_EVERY_MS = 5_000;

export const withKafkaDefaults = (options: KafkaSourceOptions): KafkaSettings => ({
  checkEvery: CHECK_EVERY_MS,
  registerCommand: 'npm run register',
  security: {},
  ...options,
});

export const changeTopicOf = (
  { topicPrefix, names }: Pick<KafkaSettings, 'topicPrefix' | 'names'>,
  table: SourceTable,
): string => `${topicPrefix}.${names.schema}.${names.of(table).name}`;

/** The names of a topic's partitions in the progress begin like this. */
export const streamPrefix = (topic: string): string => `kafka:${topic}:`;

/** Under this name the progress of a partition is kept. */
export const streamOf = (topic: string, partition: number): string => `${streamPrefix(topic)}${partition}`;
