import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { analyticsAddress, loadConfig, sourceAddress } from '#libs/platform/config/config.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
import { openLog } from '#libs/platform/log.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { listSlots } from '#libs/source/pgoutput/index.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { RoleProcess } from '../e2e/role-process.ts';
import { SOURCE_SCHEMA } from '../support/source-schema.ts';

/* A server that lets the user "certified" in with a certificate alone. */

const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-certified-'));
const pem = (name: string): string => path.join(import.meta.dirname, '../support/tls', name);
/** A key as libpq wants it: what git checks out anybody may read. */
function key(name: string, mode = 0o600): string {
  const file = path.join(folder, `${mode.toString(8)}-${name}`);
  copyFileSync(pem(name), file);
  chmodSync(file, mode);
  return file;
}
let server: EmbeddedPostgres;
let own: Record<string, string>;

beforeAll(async () => {
  chmodSync(folder, 0o755);
  server = await startEmbeddedPostgres({
    folder: path.join(folder, 'server'),
    settings: { wal_level: 'logical', fsync: 'off' },
  });
  await Promise.all([server.ensureDatabase('lms'), server.ensureDatabase('features')]);
  const admin = openDatabase(server.admin('lms'), { connections: 1 });
  await admin.query(SOURCE_SCHEMA);
  await admin.query('CREATE ROLE certified LOGIN SUPERUSER REPLICATION');
  const data = path.join(server.folder, 'data');
  for (const name of ['server.crt', 'server.key', 'client-ca.crt']) {
    copyFileSync(pem(name), path.join(data, name));
    chownSync(path.join(data, name), statSync(data).uid, statSync(data).gid);
    chmodSync(path.join(data, name), 0o600);
  }
  writeFileSync(
    path.join(data, 'pg_hba.conf'),
    `hostssl all,replication certified 127.0.0.1/32 cert
hostssl all prepadata 127.0.0.1/32 cert
host all all 127.0.0.1/32 scram-sha-256\n`,
  );
  await admin.query("ALTER SYSTEM SET ssl_ca_file = 'client-ca.crt'");
  await admin.query('ALTER SYSTEM SET ssl = on');
  await admin.query('SELECT pg_reload_conf()');
  while ((await admin.query<{ ssl: string }>('SHOW ssl'))[0]?.ssl !== 'on') await sleep(20);
  await admin.close();
  own = { SSLCERT: pem('client.crt'), SSLKEY: key('client.key') };
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const settingsOf = (prefix: string, database: string, files: Record<string, string>): Record<string, string> => ({
  [`${prefix}_HOST`]: '127.0.0.1',
  [`${prefix}_PORT`]: String(server.address('lms').port),
  [`${prefix}_NAME`]: database,
  [`${prefix}_USER`]: 'certified',
  [`${prefix}_SSLMODE`]: 'verify-full',
  [`${prefix}_SSLROOTCERT`]: pem('server.crt'),
  ...Object.fromEntries(Object.entries(files).map(([name, value]) => [`${prefix}_${name}`, value])),
});
const environment = (files: Record<string, string>): Record<string, string> => ({
  ...settingsOf('SOURCE_DB', 'lms', files),
  ...settingsOf('ANALYTICS_DB', 'features', files),
  SOURCE_SLOT: `certified_${process.pid}`,
  SOURCE_SLOT_LIMIT: 'none',
  API_PORT: '0',
  DATA_DIR: path.join(folder, 'data'),
});

test('every program that reads a database shows it', async () => {
  const env = environment(own);
  const migrate = new RoleProcess('migrate', env);
  expect(await migrate.ended(), migrate.output).toEqual({ code: 0, signal: null });
  for (const name of ['engagement', 'api', 'reconcile']) {
    const role = await new RoleProcess(name, env).ready();
    await role.end('SIGTERM');
  }
  for (const [name, ...words] of [['slot'], ['slot', '--drop'], ['today']] as const) {
    const command = new RoleProcess(name, env, words);
    expect(await command.ended(), command.output).toMatchObject({ code: 0 });
  }
});

describe('refused before anything is asked', () => {
  const CASES: readonly (readonly [string, () => Record<string, string>, RegExp])[] = [
    [
      'a key that others may read',
      () => ({ ...own, SSLKEY: key('client.key', 0o644) }),
      /SSLKEY=.*may be read by others .*chmod 600/,
    ],
    ['no such key', () => ({ ...own, SSLKEY: '/nowhere.key' }), /SSLKEY=\/nowhere.key.*cannot be read: ENOENT/],
    [
      'a key of another certificate',
      () => ({ ...own, SSLKEY: key('server.key') }),
      /SSLCERT and .*SSLKEY do not go together/,
    ],
    [
      'an expired certificate',
      () => ({ ...own, SSLCERT: pem('client-expired.crt') }),
      /SSLCERT has expired: it was good until Jan\s+1 .*2021/,
    ],
    [
      'an encrypted key without its password',
      () => ({ ...own, SSLKEY: key('client-encrypted.key') }),
      /cannot be decrypted/,
    ],
    [
      'an encrypted key with a wrong one',
      () => ({ ...own, SSLKEY: key('client-encrypted.key'), SSLPASSWORD: 'wrong' }),
      /cannot be decrypted/,
    ],
    ['a certificate without a key', () => ({ SSLCERT: pem('client.crt') }), /only one is set/],
    ['a certificate in the clear', () => ({ ...own, SSLMODE: 'disable' }), /SSLMODE is disable/],
  ];

  test.each(CASES)('%s', (_, files, message) => {
    for (const [prefix, read] of [
      ['SOURCE_DB', sourceAddress],
      ['ANALYTICS_DB', analyticsAddress],
    ] as const) {
      const open = (): unknown => read(loadConfig(settingsOf(prefix, 'lms', files())));
      expect(open).toThrow(ConfigurationError);
      expect(open).toThrow(message);
      expect(open).toThrow(prefix);
      expect(open).not.toThrow(/wrong'|of-the-test/);
    }
  });
});

describe('what the server does not take', () => {
  const CASES: readonly (readonly [string, () => Record<string, string>])[] = [
    ['none', () => ({})],
    ['one that nobody has signed', () => ({ ...own, SSLCERT: pem('client-stranger.crt') })],
    ['one of somebody else', () => ({ ...own, USER: 'prepadata' })],
  ];

  test.each(CASES)('%s', async (_, files) => {
    const said = {
      message: expect.stringContaining('does not let us in with the certificate of'),
      name: 'ConfigurationError',
    };
    const analytics = analyticsAddress(loadConfig(settingsOf('ANALYTICS_DB', 'lms', files())));
    const source = sourceAddress(loadConfig(settingsOf('SOURCE_DB', 'lms', files())));
    if (analytics === undefined || source === undefined) throw new Error('no address');
    const options = {
      name: 'test',
      role: 'owner' as const,
      log: openLog('silent'),
      signal: AbortSignal.timeout(20_000),
    };
    await expect(openAnalytics(analytics, options)).rejects.toMatchObject(said);
    await expect(listSlots(source, 'certified')).rejects.toMatchObject(said);
  });
});

test('an encrypted key is opened with its password', async () => {
  const files = { ...own, SSLKEY: key('client-encrypted.key'), SSLPASSWORD: 'of-the-test' };
  const address = sourceAddress(loadConfig(settingsOf('SOURCE_DB', 'lms', files)));
  if (address === undefined) throw new Error('no address');
  expect(await listSlots(address, 'nothing_of_the_kind')).toEqual([]);
});
