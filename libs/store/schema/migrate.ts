import { readdirSync, readFileSync } from 'node:fs';
import { messageOf, PrepaError, UnrecoverableError } from '#libs/domain/errors.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { schemaSql } from './statements.ts';
import { Views } from './views.ts';

const SCHEMAS = new URL('../../../schemas/', import.meta.url);
/** Any constant that nothing else locks. */
const MIGRATION_LOCK = 7_130_001;
/** What Postgres says when that time is over. */
const LOCK_TIMEOUT = '55P03';
/**
 * Whoever reads waits behind a change of the schema that waits itself: for a transaction that somebody forgot, say. So each
 * try gives up soon, and readers have their turn before the next.
 */
const GIVE_UP_SOON = "SET LOCAL lock_timeout = '5s'";

const FIND_VERSION = 'SELECT coalesce(max(version), 0) AS version FROM schema_version';
const CREATE_VERSIONS =
  'CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())';

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
}

function listMigrations(folder: URL): Migration[] {
  return readdirSync(folder)
    .filter((name) => /^\d{4}_\w+\.sql$/.test(name))
    .sort()
    .map((name) => ({ version: Number(name.slice(0, 4)), name, text: readFileSync(new URL(name, folder), 'utf8') }));
}

/** Other sessions hold what has to change. Trying again repairs it once they let go. */
export class SchemaHeld extends PrepaError {}

/**
 * Brings the analytics database to the schema of this code, forward only, in one transaction under a lock, so that
 * whichever role starts first does it: the migrations that are new, then the views whose text is.
 * @param schemas the folder of `sql` and `views`
 * @returns the names of the files applied
 * @throws UnrecoverableError when the database is newer than the code, or others built on what has to change
 * @throws SchemaHeld naming who
 */
export async function migrate(db: Database, schemas: URL = SCHEMAS): Promise<string[]> {
  try {
    return await db.transaction((tx) => bringUp(tx, schemas));
  } catch (error) {
    if ((error as { code?: unknown }).code !== LOCK_TIMEOUT) throw error;
    const holders = (await db.query<{ holder: string }>(schemaSql.schema_holders)).map(({ holder }) => holder);
    throw new SchemaHeld(
      'schema_held',
      `other sessions hold what has to change: ${holders.length === 0 ? messageOf(error) : holders.join(', ')}`,
      'let their transactions end, or end those sessions: SELECT pg_terminate_backend(<process>);',
      { cause: error },
    );
  }
}

async function bringUp(tx: Queryable, schemas: URL): Promise<string[]> {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  await tx.query(GIVE_UP_SOON);
  await tx.query(CREATE_VERSIONS);
  const applied = await currentVersion(tx);
  const migrations = listMigrations(new URL('sql/', schemas));
  const newest = migrations.at(-1)?.version ?? 0;
  if (applied > newest) {
    throw new UnrecoverableError(
      'schema_newer',
      `the analytics database is at schema version ${applied}, this program knows up to ${newest}`,
      'run the version of the program that last wrote this database, or a newer one',
    );
  }
  const views = new Views(tx, new URL('views/', schemas));
  const pending = migrations.filter((migration) => migration.version > applied);
  for (const { version, name, text } of pending) {
    await views.run(() => tx.query(text));
    await tx.query('INSERT INTO schema_version (version, name) VALUES ($1, $2)', [version, name]);
  }
  return [...pending.map((migration) => migration.name), ...(await views.apply())];
}

async function currentVersion(tx: Queryable): Promise<number> {
  const [row] = await tx.query<{ version: number }>(FIND_VERSION);
  return row?.version ?? 0;
}
