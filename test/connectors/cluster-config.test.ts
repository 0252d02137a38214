import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { registerSettings, wantedConfig } from '../../services/register/settings.ts';

/* The part of the connector's configuration that follows from how the cluster is reached. */

const TLS = path.resolve(import.meta.dirname, '../support/tls');
const [CRT, KEY] = [path.join(TLS, 'server.crt'), path.join(TLS, 'server.key')];
const PLACES = {
  SOURCE_DB_HOST: 'lms',
  SOURCE_DB_PASSWORD: 'marked-source',
  ANALYTICS_DB_HOST: 'analytics',
  KAFKA_BROKERS: 'one:9092',
  SCHEMA_REGISTRY_URL: 'https://registry/apis/ccompat/v7',
  CONNECT_URL: 'https://connect:8083',
};
const LOGIN = {
  KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
  KAFKA_SASL_USERNAME: 'connector',
  KAFKA_SASL_PASSWORD: 'marked-kafka',
};
const configOf = (env: Readonly<Record<string, string>>) =>
  wantedConfig(registerSettings(loadConfig({ ...PLACES, ...env })), 1, 'no_data');
const linesOf = (env: Readonly<Record<string, string>>, begin: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(configOf(env)).flatMap(([name, value]) =>
      name.startsWith(begin) ? [[name.slice(begin.length), value]] : [],
    ),
  );

test('a cluster in the clear needs no further line', () => {
  expect(linesOf({}, 'signal.consumer.')).toEqual({});
  expect(configOf({})).not.toHaveProperty('database.sslrootcert');
});

describe('signals are read', () => {
  test('with TLS and the login, whose password Connect has', () => {
    expect(linesOf({ ...LOGIN, KAFKA_SSL_CA_LOCATION: CRT }, 'signal.consumer.')).toEqual({
      'security.protocol': 'SASL_SSL',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': `\${env:KAFKA_SSL_CA_LOCATION}`,
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config': `org.apache.kafka.common.security.scram.ScramLoginModule required username="connector" password="\${env:KAFKA_SASL_PASSWORD}";`,
    });
    expect(linesOf({ ...LOGIN, KAFKA_SASL_MECHANISM: 'PLAIN' }, 'signal.consumer.')).toMatchObject({
      'sasl.jaas.config': expect.stringContaining('plain.PlainLoginModule required username="connector"'),
    });
  });

  test('with tokens that Java gets, by a secret that Connect has', () => {
    const oauth = {
      KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
      KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
      KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: 'https://idp/token',
      KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'us',
      KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 'marked',
      KAFKA_SASL_OAUTHBEARER_SCOPE: 'kafka',
    };
    expect(linesOf(oauth, 'signal.consumer.')).toEqual({
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'OAUTHBEARER',
      'sasl.oauthbearer.token.endpoint.url': 'https://idp/token',
      'sasl.login.callback.handler.class':
        'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler',
      'sasl.jaas.config': `org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId="us" clientSecret="\${env:KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET}" scope="kafka";`,
    });
  });

  test('with a client certificate, which Connect has', () => {
    const own = { KAFKA_SSL_CERTIFICATE_LOCATION: CRT, KAFKA_SSL_KEY_LOCATION: KEY, KAFKA_SSL_KEY_PASSWORD: 'marked' };
    expect(linesOf({ KAFKA_SECURITY_PROTOCOL: 'SSL', ...own }, 'signal.consumer.')).toEqual({
      'security.protocol': 'SSL',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': `\${env:KAFKA_SSL_KEY_LOCATION}`,
      'ssl.key.password': `\${env:KAFKA_SSL_KEY_PASSWORD}`,
    });
  });

  test('by a name that is quoted; a password that cannot be is refused, and not shown', () => {
    const named = linesOf({ ...LOGIN, KAFKA_SASL_USERNAME: 'a "b" \\c' }, 'signal.consumer.');
    expect(named['sasl.jaas.config']).toContain('username="a \\"b\\" \\\\c"');
    const refused = () => configOf({ ...LOGIN, KAFKA_SASL_PASSWORD: 'mar"ked' });
    expect(refused).toThrow(ConfigurationError);
    expect(refused).toThrow(/^KAFKA_SASL_PASSWORD holds [^"]*$/);
  });
});

describe.each(['key', 'value'])('the converter of a %s', (side) => {
  const login = { SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: 'us:marked', SCHEMA_REGISTRY_SSL_CA_LOCATION: CRT };

  test('is Apicurio’s, with the login and the certificate to trust', () => {
    expect(linesOf(login, `${side}.converter`)).toEqual({
      '': 'io.apicurio.registry.utils.converter.AvroConverter',
      '.apicurio.registry.url': 'https://registry/apis/registry/v2',
      '.apicurio.registry.auto-register': 'true',
      '.apicurio.registry.find-latest': 'true',
      '.apicurio.registry.as-confluent': 'true',
      '.apicurio.registry.use-id': 'contentId',
      '.apicurio.registry.headers.enabled': 'false',
      '.apicurio.auth.username': 'us',
      '.apicurio.auth.password': `\${env:SCHEMA_REGISTRY_PASSWORD}`,
      '.apicurio.rest.request.ssl.ca-bundle.location': `\${env:SCHEMA_REGISTRY_SSL_CA_LOCATION}`,
    });
  });

  test('is Confluent’s where the address is no Apicurio’s', () => {
    const lines = linesOf({ ...login, SCHEMA_REGISTRY_URL: 'https://registry:8081' }, `${side}.converter`);
    expect(lines).toEqual({
      '': 'io.confluent.connect.avro.AvroConverter',
      '.schema.registry.url': 'https://registry:8081',
      '.auto.register.schemas': 'true',
      '.ignore.default.for.nullables': 'true',
      '.basic.auth.credentials.source': 'USER_INFO',
      '.basic.auth.user.info': `us:\${env:SCHEMA_REGISTRY_PASSWORD}`,
    });
  });

  test('gets a login that stands in the address as any other', () => {
    const lines = linesOf({ SCHEMA_REGISTRY_URL: 'https://us:marked@registry/apis/ccompat/v7' }, `${side}.converter`);
    expect(lines).toMatchObject({
      '.apicurio.registry.url': 'https://registry/apis/registry/v2',
      '.apicurio.auth.username': 'us',
      '.apicurio.auth.password': `\${env:SCHEMA_REGISTRY_PASSWORD}`,
    });
  });
});

test('the source’s certificate is looked for where Connect has it', () => {
  const env = { SOURCE_DB_SSLMODE: 'verify-full', SOURCE_DB_SSLROOTCERT: CRT };
  expect(configOf(env)).toMatchObject({
    'database.sslmode': 'verify-full',
    'database.sslrootcert': `\${env:SOURCE_DB_SSLROOTCERT}`,
  });
});

test('so is a certificate to show, its key, and the password of that, though ours may have none', () => {
  const settings = registerSettings(loadConfig(PLACES));
  const source = { ...settings.source, ssl: { rejectUnauthorized: true, cert: 'marked', key: 'marked' } };
  const config = wantedConfig({ ...settings, source }, 1, 'no_data');
  expect(config).toMatchObject({
    'database.sslcert': `\${env:SOURCE_DB_SSLCERT}`,
    'database.sslkey': `\${env:SOURCE_DB_SSLKEY}`,
    'database.sslpassword': `\${env:SOURCE_DB_SSLPASSWORD}`,
  });
  expect(JSON.stringify(config)).not.toContain('marked');
});

test('no secret stands in it, whatever is set', () => {
  const config = configOf({
    ...LOGIN,
    KAFKA_SSL_CERTIFICATE_LOCATION: CRT,
    KAFKA_SSL_KEY_LOCATION: KEY,
    KAFKA_SSL_KEY_PASSWORD: 'marked-key',
    SCHEMA_REGISTRY_URL: 'https://us:marked-url@registry/apis/ccompat/v7',
    CONNECT_BASIC_AUTH_USER_INFO: 'us:marked-connect',
  });
  expect(JSON.stringify(config)).not.toMatch(/marked|BEGIN/);
});

test('Connect itself is asked with its login and its certificate', () => {
  const env = { CONNECT_BASIC_AUTH_USER_INFO: 'us:word', CONNECT_SSL_CA_LOCATION: CRT };
  expect(registerSettings(loadConfig({ ...PLACES, ...env })).connect).toEqual({
    url: 'https://connect:8083',
    login: 'us:word',
    ca: expect.stringContaining('BEGIN CERTIFICATE'),
  });
});
