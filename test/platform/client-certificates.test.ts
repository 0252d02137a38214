import { chmodSync, copyFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { analyticsAddress, loadConfig, sourceAddress } from '#libs/platform/config/config.ts';
import { openLog } from '#libs/platform/log.ts';
import { listSlots } from '#libs/source/pgoutput/index.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { writeSmallOulad } from '../campus/small-oulad.ts';
import { RoleProcess } from '../e2e/role-process.ts';
import { type CertifiedPostgres, certifiedEnv, pem, startCertifiedPostgres } from '../support/certified.ts';

/* A server that lets the user "certified" in only with a certificate. */

let certified: CertifiedPostgres;
let own: Record<string, string>;

/** A key with the permissions that libpq wants: files checked out by git are readable by everybody. */
function key(name: string, mode = 0o600): string {
  const file = path.join(certified.folder, `${mode.toString(8)}-${name}`);
  copyFileSync(pem(name), file);
  chmodSync(file, mode);
  return file;
}

beforeAll(async () => {
  certified = await startCertifiedPostgres();
  await certified.server.ensureDatabase('features');
  own = { SSLCERT: pem('client.crt'), SSLKEY: key('client.key') };
});
afterAll(() => certified?.stop());

const settingsOf = (
  prefix: 'SOURCE_DB' | 'ANALYTICS_DB',
  database: string,
  files: Record<string, string>,
): Record<string, string> => certifiedEnv(prefix, certified, database, files);
const environment = (files: Record<string, string>): Record<string, string> => ({
  ...settingsOf('SOURCE_DB', 'lms', files),
  ...settingsOf('ANALYTICS_DB', 'features', files),
  SOURCE_SLOT: `certified_${process.pid}`,
  SOURCE_SLOT_LIMIT: 'none',
  API_PORT: '0',
  DATA_DIR: path.join(certified.folder, 'data'),
});

test('every program that reads a database shows it', async () => {
  const env = environment(own);
  const migrate = new RoleProcess('migrate', env);
  expect(await migrate.ended(), migrate.output).toEqual({ code: 0, signal: null });
  for (const name of ['engagement', 'api', 'reconcile']) {
    const role = await new RoleProcess(name, env).ready();
    await role.end('SIGTERM');
  }
  writeSmallOulad(certified.folder);
  for (const [name, ...words] of [
    ['sandbox/campus/oulad', '--dir', certified.folder, '--presentation', 'XXX-2013J'],
    ['slot'],
    ['slot', '--drop'],
    ['today'],
  ] as const) {
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
