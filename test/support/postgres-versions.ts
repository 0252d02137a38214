import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, inject } from 'vitest';
import {
  type EmbeddedOptions,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '#libs/platform/embedded-postgres/embedded.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { alone } from './alone.ts';

/**
 * Every major version of Postgres that can be followed. The newest is the one built into the program; the others are
 * installed separately, by `npm ci --prefix test/support/postgres`, which .ci/run does.
 */
export const POSTGRES_VERSIONS = [14, 15, 16, 17, 18] as const;
export type PostgresVersion = (typeof POSTGRES_VERSIONS)[number];

const isBuiltIn = (version: PostgresVersion): boolean => version === POSTGRES_VERSIONS.at(-1);
const indexOf = (version: PostgresVersion): URL =>
  new URL(`./postgres/node_modules/postgres-${version}/dist/index.js`, import.meta.url);

/** Whether to skip tests on this version. In CI none is skipped: there they fail, and name the command to run. */
export const isLeftOut = (version: PostgresVersion): boolean =>
  process.env['CI'] === undefined && !isBuiltIn(version) && !existsSync(indexOf(version));

/** @throws Error if that version is not installed */
export async function startPostgres(version: PostgresVersion, options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  if (isBuiltIn(version)) return startEmbeddedPostgres(options);
  if (!existsSync(indexOf(version))) {
    throw new Error(`Postgres ${version} is not installed for the tests; run: npm ci --prefix test/support/postgres`);
  }
  return startEmbeddedPostgres({ ...options, binaries: await import(indexOf(version).href) });
}

/**
 * Runs the same tests on several versions, `Postgres 16 > …`, on servers shared by the whole run. Tests that change what
 * belongs to a whole server get one of their own (`isOwn`), started before them and stopped after them.
 * @param tests called with the version, and a function that gives the server's address once the tests run
 */
export function onEachPostgres(
  versions: readonly PostgresVersion[],
  tests: (version: PostgresVersion, server: () => DatabaseAddress) => void,
  { isOwn = false }: { readonly isOwn?: boolean } = {},
): void {
  for (const version of versions) {
    describe.skipIf(isLeftOut(version))(`Postgres ${version}`, () => {
      let server: EmbeddedPostgres | undefined;
      beforeAll(async () => {
        if (isOwn) server = await startPostgres(version, { folder: ownFolder(), settings: SETTINGS });
        else if (!isBuiltIn(version)) server = await serverOfTheRun(version);
      });
      afterAll(async () => {
        if (isOwn) await server?.stop();
      });
      tests(version, () => server?.admin('postgres') ?? inject('postgres'));
    });
  }
}

const SETTINGS = {
  wal_level: 'logical',
  fsync: 'off',
  max_connections: 200,
  max_wal_senders: 20,
  max_replication_slots: 20,
};

const ownFolder = (): string => mkdtempSync(path.join(tmpdir(), 'prepadata-versions-'));

/** Started by the first test file that needs it, and ended with the run. */
async function serverOfTheRun(version: PostgresVersion): Promise<EmbeddedPostgres> {
  const folder = path.join(inject('runFolder'), `postgres-${version}`);
  return alone(`${folder}.starting`, () =>
    startPostgres(version, { folder, settings: { ...SETTINGS, max_slot_wal_keep_size: '8GB' } }),
  );
}
