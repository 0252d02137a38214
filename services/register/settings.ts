import { ConfigurationError } from '#libs/domain/errors.ts';
import type { SourceNames } from '#libs/domain/source-tables/names.ts';
import { analyticsAddress, namesOf, sourceAddress } from '#libs/platform/config/config.ts';
import { type KafkaCluster, requireKafka } from '#libs/platform/config/kafka.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { ServiceAddress } from '#libs/platform/http.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { settleForOthers } from '#libs/platform/postgres/session-settings.ts';
import type { SslMode } from '#libs/platform/postgres/tls.ts';
import { connectAddress } from '#libs/source/connect/http.ts';
import { clusterConfig, inConnect } from './cluster-config.ts';
import { type ConnectorConfig, fillConfig, includeLists, type SnapshotMode } from './config.ts';

/** The part of the configuration that registering needs. */
export interface RegisterSettings {
  readonly source: DatabaseAddress;
  readonly sslMode: SslMode;
  readonly analytics: DatabaseAddress;
  readonly connect: ServiceAddress;
  /** The connector's name; also the prefix of its topics, and so the key under which Connect keeps the offset. */
  readonly name: string;
  readonly names: SourceNames;
  readonly publication: string;
  /** Slots are named `<prefix>_<epoch>`. */
  readonly slotPrefix: string;
  readonly slotLimit: 'required' | 'none';
  /** The cluster and registry as the connector is to reach them. */
  readonly cluster: KafkaCluster;
  readonly partitions: number;
  readonly replication: number;
  /** Whether the connector may override the worker's producer settings. */
  readonly overrides: boolean;
}

/** Settings that are only sent where Connect allows them. */
const OVERRIDE = /^producer\.override\./;

/** @throws ConfigurationError naming everything that is missing, not just the first */
export function registerSettings(config: SettingValues): RegisterSettings {
  const source = sourceAddress(config);
  const analytics = analyticsAddress(config);
  const connect = connectAddress(config);
  const { SCHEMA_REGISTRY_URL: registryUrl, KAFKA_BROKERS: brokers } = config;
  const missing = [
    source === undefined ? 'SOURCE_DB_HOST' : undefined,
    analytics === undefined ? 'ANALYTICS_DB_HOST' : undefined,
    connect === undefined ? 'CONNECT_URL' : undefined,
    registryUrl === undefined ? 'SCHEMA_REGISTRY_URL' : undefined,
    brokers.length === 0 ? 'KAFKA_BROKERS' : undefined,
  ].filter((name) => name !== undefined);
  if (
    source === undefined ||
    analytics === undefined ||
    connect === undefined ||
    registryUrl === undefined ||
    brokers.length === 0
  ) {
    throw new ConfigurationError(
      `the connector cannot be registered: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set`,
      'set them in the environment; npm run register -- --help says what each means',
    );
  }
  for (const [setting, name] of [
    ['SOURCE_PUBLICATION', config.SOURCE_PUBLICATION],
    ['SOURCE_SLOT', config.SOURCE_SLOT],
    ['SOURCE_SCHEMA', config.SOURCE_SCHEMA],
  ] as const) {
    if (/^[a-z_][a-z0-9_]{0,39}$/.test(name)) continue;
    throw new ConfigurationError(
      `${setting}=${name} cannot be used as a name in the source database`,
      'use 1 to 40 lower-case letters, digits and underscores, not beginning with a digit',
    );
  }
  return {
    source,
    sslMode: config.SOURCE_DB_SSLMODE,
    analytics,
    connect,
    name: config.KAFKA_TOPIC_PREFIX,
    names: namesOf(config),
    publication: config.SOURCE_PUBLICATION,
    slotPrefix: `${config.SOURCE_SLOT}_debezium`,
    slotLimit: config.SOURCE_SLOT_LIMIT,
    cluster: requireKafka(config),
    partitions: config.KAFKA_PARTITIONS,
    replication: config.KAFKA_REPLICATION,
    overrides: config.CONNECT_OVERRIDES === 'on',
  };
}

/** The connector's intended configuration in an epoch. */
export function wantedConfig(settings: RegisterSettings, epoch: number, mode: SnapshotMode): ConnectorConfig {
  const { source, overrides, cluster } = settings;
  const filled = fillConfig({
    name: settings.name,
    'source.host': source.host,
    'source.port': String(source.port),
    'source.database': source.database,
    'source.user': source.user,
    'source.sslmode': settings.sslMode,
    'source.settings': settleForOthers(),
    publication: settings.publication,
    ...includeLists(settings.names),
    slot: slotOf(settings, epoch),
    'snapshot.mode': mode,
    brokers: cluster.brokers.join(','),
    partitions: String(settings.partitions),
    replication: String(settings.replication),
    epoch: String(epoch),
  });
  const whole = { ...filled, ...sourceCertificates(source), ...clusterConfig(cluster) };
  return overrides ? whole : Object.fromEntries(Object.entries(whole).filter(([key]) => !OVERRIDE.test(key)));
}

/**
 * Connect's own environment says where Debezium finds certificates and the key, which must have a form that its driver
 * takes (PKCS-8 DER, or PKCS-12 with a password), whatever form ours has. Unset, the driver's defaults apply.
 */
const sourceCertificates = ({ ssl }: DatabaseAddress): ConnectorConfig => ({
  ...(ssl?.ca === undefined ? {} : { 'database.sslrootcert': inConnect('SOURCE_DB_SSLROOTCERT') }),
  ...(ssl?.cert === undefined ? {} : { 'database.sslcert': inConnect('SOURCE_DB_SSLCERT') }),
  ...(ssl?.key === undefined
    ? {}
    : {
        'database.sslkey': inConnect('SOURCE_DB_SSLKEY'),
        'database.sslpassword': inConnect('SOURCE_DB_SSLPASSWORD'),
      }),
});

export const slotOf = (settings: RegisterSettings, epoch: number): string => `${settings.slotPrefix}_${epoch}`;
