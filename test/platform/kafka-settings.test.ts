import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { requireKafka } from '#libs/platform/config/kafka.ts';

const TLS = path.resolve(import.meta.dirname, '../support/tls');
const [CRT, KEY] = [path.join(TLS, 'server.crt'), path.join(TLS, 'server.key')];
const PLACES = { KAFKA_BROKERS: 'one:9092', SCHEMA_REGISTRY_URL: 'https://registry/apis/ccompat/v7' };
const cluster = (env: Readonly<Record<string, string>>) => requireKafka(loadConfig({ ...PLACES, ...env }));

test('unless something is said, a cluster is spoken to in the clear and without a login', () => {
  expect(cluster({})).toEqual({
    brokers: ['one:9092'],
    security: {},
    registry: { url: 'https://registry/apis/ccompat/v7' },
  });
});

test('every setting comes to where it belongs', () => {
  const { security, registry } = cluster({
    KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
    KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
    KAFKA_SASL_USERNAME: 'app',
    KAFKA_SASL_PASSWORD: 'secret',
    KAFKA_SSL_CA_LOCATION: CRT,
    KAFKA_SSL_CERTIFICATE_LOCATION: CRT,
    KAFKA_SSL_KEY_LOCATION: KEY,
    KAFKA_SSL_KEY_PASSWORD: 'of the key',
    SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: 'user:word',
    SCHEMA_REGISTRY_SSL_CA_LOCATION: CRT,
  });
  const certificate = expect.stringContaining('BEGIN CERTIFICATE');
  expect(security).toEqual({
    sasl: { mechanism: 'SCRAM-SHA-256', username: 'app', password: 'secret' },
    ssl: { ca: certificate, cert: certificate, key: expect.stringContaining('PRIVATE KEY'), passphrase: 'of the key' },
  });
  expect(registry).toEqual({ url: PLACES.SCHEMA_REGISTRY_URL, login: 'user:word', ca: certificate });
});

test('tokens in place of a password', () => {
  const oauth = {
    KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
    KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
    KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: 'https://idp/token',
    KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'us',
    KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: 'secret',
  };
  const login = { mechanism: 'OAUTHBEARER', tokenUrl: 'https://idp/token', clientId: 'us', clientSecret: 'secret' };
  expect(cluster(oauth).security.sasl).toEqual(login);
  expect(cluster({ ...oauth, KAFKA_SASL_OAUTHBEARER_SCOPE: 'kafka' }).security.sasl).toEqual({
    ...login,
    scope: 'kafka',
  });
});

test('TLS without more trusts what Node trusts', () => {
  expect(cluster({ KAFKA_SECURITY_PROTOCOL: 'SSL' }).security).toEqual({ ssl: {} });
});

describe('what does not go together is refused, naming the setting', () => {
  const login = { KAFKA_SASL_USERNAME: 'app', KAFKA_SASL_PASSWORD: 'secret' };
  test.each<readonly [Record<string, string>, RegExp]>([
    [{ KAFKA_SECURITY_PROTOCOL: 'SASL_SSL' }, /KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD/],
    [{ KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT', KAFKA_SASL_USERNAME: 'app' }, /KAFKA_SASL_PASSWORD/],
    [login, /KAFKA_SECURITY_PROTOCOL=PLAINTEXT logs nobody in/],
    [{ KAFKA_SASL_OAUTHBEARER_CLIENT_ID: 'us' }, /KAFKA_SASL_OAUTHBEARER_CLIENT_ID is set.*logs nobody in/],
    [
      { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', KAFKA_SASL_MECHANISM: 'OAUTHBEARER', ...login },
      /OAUTHBEARER_TOKEN_ENDPOINT_URL, KAFKA_SASL_OAUTHBEARER_CLIENT_ID and KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET/,
    ],
    [{ ...login, KAFKA_SECURITY_PROTOCOL: 'SSL' }, /KAFKA_SECURITY_PROTOCOL=SSL logs nobody in/],
    [{ KAFKA_SSL_CA_LOCATION: CRT }, /KAFKA_SECURITY_PROTOCOL=PLAINTEXT encrypts nothing/],
    [
      { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_KEY_LOCATION: KEY },
      /KAFKA_SSL_CERTIFICATE_LOCATION and KAFKA_SSL_KEY_LOCATION/,
    ],
    [
      { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_CA_LOCATION: KEY },
      /KAFKA_SSL_CA_LOCATION=.* is not a file of certificates/,
    ],
    [
      { KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_KEY_LOCATION: CRT },
      /KAFKA_SSL_KEY_LOCATION=.* is not a file of a private key/,
    ],
  ])('%j', (env, said) => {
    let refused: unknown;
    try {
      cluster(env);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(ConfigurationError);
    const { message, hint } = refused as ConfigurationError;
    expect(`${message} ${hint}`).toMatch(said);
    expect(`${message} ${hint}`).not.toContain('secret');
  });
});
