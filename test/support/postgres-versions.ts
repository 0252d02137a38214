import { existsSync } from 'node:fs';
import {
  type EmbeddedOptions,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '#libs/platform/postgres/embedded.ts';

/**
 * Every major version of Postgres that can be followed. The newest is the one that the program itself brings; the others
 * are installed apart, by `npm ci --prefix test/support/postgres`, which .ci/run does.
 */
export const POSTGRES_VERSIONS = [14, 15, 16, 17, 18] as const;
export type PostgresVersion = (typeof POSTGRES_VERSIONS)[number];

const isBuiltIn = (version: PostgresVersion): boolean => version === POSTGRES_VERSIONS.at(-1);
const indexOf = (version: PostgresVersion): URL =>
  new URL(`./postgres/node_modules/postgres-${version}/dist/index.js`, import.meta.url);

/** Whether tests on this version are to be skipped. In CI none is: there they fail, with the command that is missing. */
export const isLeftOut = (version: PostgresVersion): boolean =>
  process.env['CI'] === undefined && !isBuiltIn(version) && !existsSync(indexOf(version));

/** @throws Error when that version is not installed */
export async function startPostgres(version: PostgresVersion, options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  if (isBuiltIn(version)) return startEmbeddedPostgres(options);
  if (!existsSync(indexOf(version))) {
    throw new Error(`Postgres ${version} is not installed for the tests; run: npm ci --prefix test/support/postgres`);
  }
  return startEmbeddedPostgres({ ...options, binaries: await import(indexOf(version).href) });
}
