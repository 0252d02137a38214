import { ConfigurationError } from '#libs/domain/errors.ts';
import { type ServiceAddress, serviceAddress } from '../http.ts';
import type { KafkaSecurity } from '../kafka/security.ts';
import type { SettingValues } from './settings.ts';

/** One cluster and its schema registry, from which every client of them is made. */
export interface KafkaCluster {
  /** As `host:port`. */
  readonly brokers: readonly string[];
  readonly security: KafkaSecurity;
  /** The Confluent-compatible API. */
  readonly registry: ServiceAddress;
}

/**
 * Where the cluster and its schema registry are, and how to talk to them.
 * @throws ConfigurationError naming the settings that are missing, or do not fit together
 */
export function requireKafka(config: SettingValues): KafkaCluster {
  const { KAFKA_BROKERS: brokers, SCHEMA_REGISTRY_URL: url } = config;
  const missing = [
    ...(brokers.length === 0 ? ['KAFKA_BROKERS'] : []),
    ...(url === undefined ? ['SCHEMA_REGISTRY_URL'] : []),
  ];
  if (missing.length > 0 || url === undefined) {
    throw new ConfigurationError(
      `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set, and changes or features are to go over Kafka`,
      'set KAFKA_BROKERS=host:port and SCHEMA_REGISTRY_URL=http://host:port/apis/ccompat/v7, or CDC_SOURCE=pgoutput to do without Kafka',
    );
  }
  const { SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: login, SCHEMA_REGISTRY_SSL_CA_LOCATION: ca } = config;
  return {
    brokers,
    security: kafkaSecurity(config),
    registry: serviceAddress(url, login, ca),
  };
}

/** @throws ConfigurationError for settings of the login or the certificates that do not fit KAFKA_SECURITY_PROTOCOL */
function kafkaSecurity(config: SettingValues): KafkaSecurity {
  const protocol = config.KAFKA_SECURITY_PROTOCOL;
  const [hasLogin, hasTls] = [protocol.startsWith('SASL'), protocol.endsWith('SSL')];
  const { KAFKA_SSL_CA_LOCATION: ca, KAFKA_SSL_CERTIFICATE_LOCATION: cert, KAFKA_SSL_KEY_LOCATION: key } = config;
  const sasl = hasLogin ? loginOf(config) : refuseLogin(config);
  if (!hasTls && (ca ?? cert ?? key) !== undefined)
    throw new ConfigurationError(
      `KAFKA_SSL_* is set, and KAFKA_SECURITY_PROTOCOL=${protocol} encrypts nothing`,
      'set KAFKA_SECURITY_PROTOCOL=SSL or SASL_SSL, or leave them out',
    );
  if ((cert === undefined) !== (key === undefined))
    throw new ConfigurationError(
      'a client certificate has a file of its own and one of its key, and only one of them is set',
      'set KAFKA_SSL_CERTIFICATE_LOCATION and KAFKA_SSL_KEY_LOCATION, or neither',
    );
  const passphrase = config.KAFKA_SSL_KEY_PASSWORD;
  const files: NonNullable<KafkaSecurity['ssl']> = passphrase === '' ? {} : { passphrase };
  const reread = (name: 'ca' | 'cert' | 'key', get: () => string | undefined): void => {
    if (get() !== undefined) Object.defineProperty(files, name, { enumerable: true, get });
  };
  reread('ca', () => config.KAFKA_SSL_CA_LOCATION);
  reread('cert', () => config.KAFKA_SSL_CERTIFICATE_LOCATION);
  reread('key', () => config.KAFKA_SSL_KEY_LOCATION);
  return {
    ...(hasTls ? { ssl: files } : {}),
    ...(sasl === undefined ? {} : { sasl }),
  };
}

function loginOf(config: SettingValues): NonNullable<KafkaSecurity['sasl']> {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SECURITY_PROTOCOL: protocol } = config;
  const logsIn = `KAFKA_SECURITY_PROTOCOL=${protocol} logs in by ${mechanism}`;
  if (mechanism !== 'OAUTHBEARER') {
    const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = config;
    if (username === undefined || password === '')
      throw new ConfigurationError(logsIn, 'set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, too');
    return {
      mechanism,
      username,
      get password() {
        return config.KAFKA_SASL_PASSWORD;
      },
    };
  }
  const {
    KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: tokenUrl,
    KAFKA_SASL_OAUTHBEARER_CLIENT_ID: clientId,
    KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: clientSecret,
    KAFKA_SASL_OAUTHBEARER_SCOPE: scope,
  } = config;
  if (tokenUrl === undefined || clientId === undefined || clientSecret === '')
    throw new ConfigurationError(
      logsIn,
      'set KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL, KAFKA_SASL_OAUTHBEARER_CLIENT_ID and KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET, too',
    );
  return { mechanism, tokenUrl, clientId, clientSecret, ...(scope === undefined ? {} : { scope }) };
}

/** @throws ConfigurationError when a login is set for a cluster that asks for none */
function refuseLogin(config: SettingValues): undefined {
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password, KAFKA_SECURITY_PROTOCOL: protocol } = config;
  const { KAFKA_SASL_OAUTHBEARER_CLIENT_ID: clientId } = config;
  if (username === undefined && password === '' && clientId === undefined) return undefined;
  const given =
    clientId === undefined ? 'KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD' : 'KAFKA_SASL_OAUTHBEARER_CLIENT_ID';
  throw new ConfigurationError(
    `${given} is set, and KAFKA_SECURITY_PROTOCOL=${protocol} logs nobody in`,
    'set KAFKA_SECURITY_PROTOCOL=SASL_SSL, or leave them out',
  );
}
