import { ConfigurationError } from '#libs/domain/errors.ts';
import type { KafkaCluster } from '#libs/platform/config/kafka.ts';
import type { SettingName } from '#libs/platform/config/settings.ts';
import type { ServiceAddress } from '#libs/platform/http.ts';
import type { OAuthClient } from '#libs/platform/kafka/oauth.ts';
import type { KafkaSecurity, PasswordLogin } from '#libs/platform/kafka/security.ts';
import { type ConnectorConfig, fillConverter } from './config.ts';

/*
 * Settings for the clients that the connector itself opens to the cluster and the registry: the signal reader and the
 * converters. Records are sent by Connect's producer, with the worker's own settings.
 *
 * A connector's configuration is visible to everybody who may query Connect or read its config topic. So it contains no
 * secrets: Connect reads them from its own environment, and files by paths on its own machine.
 */

/** Names in Connect's environment: our settings, and the registry's password, which its clients take apart from the user. */
type InConnect = SettingName | 'SCHEMA_REGISTRY_PASSWORD';

/** A reference that Connect replaces with a value from its own environment. */
export const inConnect = (name: InConnect): string => `\${env:${name}}`;

/** The path of Apicurio's Confluent-compatible API; Apicurio's converter needs its native one instead. */
const CONFLUENT_PATH = /\/apis\/ccompat\/v\d+\/?$/;

/** The address of Apicurio's native API; undefined if the registry is another one. */
export const apicurioUrl = (url: string): string | undefined =>
  CONFLUENT_PATH.test(url) ? url.replace(CONFLUENT_PATH, '/apis/registry/v2') : undefined;

/**
 * The part of the connector's configuration that depends on the cluster.
 * @throws ConfigurationError for a password that cannot be written where Connect needs it
 */
export const clusterConfig = ({ security, registry }: KafkaCluster): ConnectorConfig => ({
  ...signalConsumer(security),
  ...converters(registry),
});

function signalConsumer({ ssl, sasl }: KafkaSecurity): ConnectorConfig {
  if (ssl === undefined && sasl === undefined) return {};
  const lines = {
    'security.protocol': `${sasl === undefined ? '' : 'SASL_'}${ssl === undefined ? 'PLAINTEXT' : 'SSL'}`,
    ...(ssl?.ca === undefined ? {} : pemStore('truststore', 'KAFKA_SSL_CA_LOCATION')),
    ...(ssl?.key === undefined ? {} : pemStore('keystore', 'KAFKA_SSL_KEY_LOCATION')),
    ...(ssl?.passphrase === undefined ? {} : { 'ssl.key.password': inConnect('KAFKA_SSL_KEY_PASSWORD') }),
    ...(sasl === undefined ? {} : loginLines(sasl)),
  };
  return Object.fromEntries(Object.entries(lines).map(([name, value]) => [`signal.consumer.${name}`, value]));
}

const pemStore = (store: 'truststore' | 'keystore', file: SettingName): ConnectorConfig => ({
  [`ssl.${store}.type`]: 'PEM',
  [`ssl.${store}.location`]: inConnect(file),
});

const MODULES = 'org.apache.kafka.common.security';

function loginLines(login: NonNullable<KafkaSecurity['sasl']>): ConnectorConfig {
  return login.mechanism === 'OAUTHBEARER' ? oauthLines(login) : passwordLines(login);
}

/** The Java client fetches the tokens itself. */
function oauthLines({ mechanism, tokenUrl, clientId, scope }: OAuthClient): ConnectorConfig {
  const secret = inConnect('KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET');
  const asked = scope === undefined ? '' : ` scope=${quoted(scope)}`;
  return {
    'sasl.mechanism': mechanism,
    'sasl.oauthbearer.token.endpoint.url': tokenUrl,
    'sasl.login.callback.handler.class': `${MODULES}.oauthbearer.OAuthBearerLoginCallbackHandler`,
    'sasl.jaas.config': `${MODULES}.oauthbearer.OAuthBearerLoginModule required clientId=${quoted(clientId)} clientSecret="${secret}"${asked};`,
  };
}

function passwordLines({ mechanism, username, password }: PasswordLogin): ConnectorConfig {
  if (/["\\\n\r]/.test(password))
    throw new ConfigurationError(
      'KAFKA_SASL_PASSWORD holds a quotation mark, a backslash or a line break, which end it where the connector logs in',
      'give that user a password without them',
    );
  const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule';
  return {
    'sasl.mechanism': mechanism,
    'sasl.jaas.config': `${MODULES}.${module} required username=${quoted(username)} password="${inConnect('KAFKA_SASL_PASSWORD')}";`,
  };
}

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;

/** For keys and values alike. */
function converters(registry: ServiceAddress): ConnectorConfig {
  const { url, login, ca } = withoutLogin(registry);
  const apicurio = apicurioUrl(url);
  const lines = apicurio
    ? {
        ...fillConverter('apicurio', { registry: apicurio }),
        ...(login === undefined ? {} : apicurioLogin(login)),
        ...(ca === undefined
          ? {}
          : { 'converter.apicurio.rest.request.ssl.ca-bundle.location': inConnect('SCHEMA_REGISTRY_SSL_CA_LOCATION') }),
      }
    : { ...fillConverter('confluent', { registry: url }), ...(login === undefined ? {} : confluentLogin(login)) };
  return Object.fromEntries(
    ['key', 'value'].flatMap((side) => Object.entries(lines).map(([name, value]) => [`${side}.${name}`, value])),
  );
}

/** Takes a login out of the address, so that it is used like any other and not shown. */
function withoutLogin({ url, login, ca }: ServiceAddress): ServiceAddress {
  const address = new URL(url);
  const { username, password } = address;
  if (username === '' && password === '') return { url, ...(login && { login }), ...(ca && { ca }) };
  address.username = '';
  address.password = '';
  const inUrl = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url: address.href, login: login ?? inUrl, ...(ca && { ca }) };
}

const userOf = (login: string): string => login.split(':')[0] ?? '';

const apicurioLogin = (login: string): ConnectorConfig => ({
  'converter.apicurio.auth.username': userOf(login),
  'converter.apicurio.auth.password': inConnect('SCHEMA_REGISTRY_PASSWORD'),
});

/** Its client takes no PEM file: a private certificate has to be trusted by the Java that runs Connect. */
const confluentLogin = (login: string): ConnectorConfig => ({
  'converter.basic.auth.credentials.source': 'USER_INFO',
  'converter.basic.auth.user.info': `${userOf(login)}:${inConnect('SCHEMA_REGISTRY_PASSWORD')}`,
});
