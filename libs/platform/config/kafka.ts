import { ConfigurationError } from '#libs/domain/errors.ts';
import type { SettingValues } from './settings.ts';

export interface KafkaPlaces {
  /** As `host:port`. */
  readonly brokers: readonly string[];
  /** The Confluent-compatible API of the schema registry. */
  readonly registryUrl: string;
}

/**
 * Where the cluster and its schemas are.
 * @throws ConfigurationError naming the setting that is missing
 */
export function requireKafka({ KAFKA_BROKERS, SCHEMA_REGISTRY_URL }: SettingValues): KafkaPlaces {
  const missing = [
    ...(KAFKA_BROKERS.length === 0 ? ['KAFKA_BROKERS'] : []),
    ...(SCHEMA_REGISTRY_URL === undefined ? ['SCHEMA_REGISTRY_URL'] : []),
  ];
  if (missing.length === 0 && SCHEMA_REGISTRY_URL !== undefined)
    return { brokers: KAFKA_BROKERS, registryUrl: SCHEMA_REGISTRY_URL };
  throw new ConfigurationError(
    `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set, and changes or features are to go over Kafka`,
    'set KAFKA_BROKERS=host:port and SCHEMA_REGISTRY_URL=http://host:port/apis/ccompat/v7, or CDC_SOURCE=pgoutput to do without Kafka',
  );
}
