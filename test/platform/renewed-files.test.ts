import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { analyticsAddress, loadConfig } from '#libs/platform/config/config.ts';
import { requireKafka } from '#libs/platform/config/kafka.ts';
import { clientSecurity } from '#libs/platform/kafka/security.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';

/* Certificates, keys and passwords that are replaced while the program runs: each new connection takes what holds by then. */

const TLS = path.resolve(import.meta.dirname, '../support/tls');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prepadata-renewed-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string): string => path.join(folder, name);
const renew = (name: string, from: string): void =>
  writeFileSync(file(name), readFileSync(path.join(TLS, from)), { mode: 0o600 });

test('a database is shown the pair of certificate and key that was good last', () => {
  renew('ca.crt', 'client-ca.crt');
  renew('our.crt', 'client.crt');
  renew('our.key', 'client.key');
  const address = analyticsAddress(
    loadConfig({
      ANALYTICS_DB_HOST: '127.0.0.1',
      ANALYTICS_DB_SSLMODE: 'verify-full',
      ANALYTICS_DB_SSLROOTCERT: file('ca.crt'),
      ANALYTICS_DB_SSLCERT: file('our.crt'),
      ANALYTICS_DB_SSLKEY: file('our.key'),
    }),
  );
  const before = address?.ssl;
  renew('ca.crt', 'server.crt');
  expect(address?.ssl).toMatchObject({ cert: before?.cert, key: before?.key });
  expect(address?.ssl?.ca).not.toBe(before?.ca);
  // The certificate is there already and its key is not yet.
  renew('our.crt', 'server.crt');
  expect(address?.ssl?.cert).toBe(before?.cert);
  renew('our.key', 'server.key');
  expect(address?.ssl?.cert).not.toBe(before?.cert);
  expect(address?.ssl?.key).not.toBe(before?.key);
});

test('a pool asks for them at each connection', async () => {
  let asked = 0;
  const db = openDatabase({
    host: '127.0.0.1',
    port: 1,
    database: 'none',
    user: 'nobody',
    password: '',
    get ssl() {
      asked += 1;
      return { rejectUnauthorized: true };
    },
  });
  await db.query('SELECT').catch(() => {});
  const once = asked;
  await db.query('SELECT').catch(() => {});
  expect(asked).toBeGreaterThan(once);
  await db.close();
});

test('brokers are given the renewed certificates and password', () => {
  renew('ca.crt', 'client-ca.crt');
  writeFileSync(file('password'), 'first');
  const { ssl, sasl } = clientSecurity(
    requireKafka(
      loadConfig({
        KAFKA_BROKERS: 'a:1',
        SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1',
        KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
        KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
        KAFKA_SASL_USERNAME: 'us',
        KAFKA_SASL_PASSWORD_FILE: file('password'),
        KAFKA_SSL_CA_LOCATION: file('ca.crt'),
      }),
    ).security,
  );
  const [before, login] = [{ ...(ssl as object) }, { ...(sasl as object) }];
  expect(login).toEqual({ mechanism: 'scram-sha-512', username: 'us', password: 'first' });
  renew('ca.crt', 'server.crt');
  writeFileSync(file('password'), 'second');
  expect({ ...(ssl as object) }).not.toEqual(before);
  expect({ ...(sasl as object) }).toMatchObject({ password: 'second' });
});
