import { readdirSync, readFileSync } from 'node:fs';
import { messageOf, PrepaError, UnrecoverableError } from '#libs/domain/errors.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { schemaSql } from './statements.ts';
import { runFile, Views } from './views.ts';

const SCHEMAS = new URL('../../../schemas/', import.meta.url);
/** An arbitrary number that nothing else locks. */
const MIGRATION_LOCK = 7_130_001;
/** Postgres's error code for a lock timeout. */
const LOCK_TIMEOUT = '55P03';
/** Postgres's error code for a missing privilege. */
export const NOT_ALLOWED = '42501';
/** For whichever role upgrades the schema, however long that takes. */
const WITHOUT_LIMITS = 'SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0';
/**
 * A change of the schema may have to wait, say for a forgotten transaction, and all readers then wait behind it. So each
 * attempt gives up soon, and readers get their turn before the next.
 */
const GIVE_UP_SOON = "SET LOCAL lock_timeout = '5s'";

const FIND_VERSIONS = 'SELECT version FROM schema_version ORDER BY version';
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

/** The schema has to change, but other sessions hold it, or another user has to change it. Retrying helps once that is over. */
export class SchemaHeld extends PrepaError {}

/**
 * Upgrades the analytics database to the schema of this code, forward only, in one transaction under a lock, so that the
 * role that starts first does it: applies the new migrations, then the views whose text is new.
 * @param schemas the folder with `sql` and `views`
 * @returns the names of the files applied
 * @throws UnrecoverableError when the database is newer than the code, or others' objects are built on what has to change
 * @throws SchemaHeld naming the sessions that hold what has to change, or the user who owns it
 */
export async function migrate(db: Database, schemas: URL = SCHEMAS): Promise<string[]> {
  // Roles that may not change the schema need no permission while it is up to date.
  if (await isUpToDate(db, schemas)) return [];
  try {
    return await db.transaction((tx) => bringUp(tx, schemas));
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === NOT_ALLOWED && (await hasSchema(db))) throw await notOurs(db, error);
    if (code !== LOCK_TIMEOUT) throw error;
    const holders = (await db.query<{ holder: string }>(schemaSql.schema_holders)).map(({ holder }) => holder);
    throw new SchemaHeld(
      'schema_held',
      `other sessions hold what has to change: ${holders.length === 0 ? messageOf(error) : holders.join(', ')}`,
      'let their transactions end, or end those sessions: SELECT pg_terminate_backend(<process>);',
      { cause: error },
    );
  }
}

async function hasSchema(db: Queryable): Promise<boolean> {
  const [row] = await db.query<{ there: boolean }>(`SELECT to_regclass('state.schema_view') IS NOT NULL AS there`);
  return row?.there === true;
}

async function isUpToDate(db: Database, schemas: URL): Promise<boolean> {
  if (!(await hasSchema(db))) return false;
  const applied = await appliedVersions(db);
  const migrations = listMigrations(new URL('sql/', schemas));
  const isAll = migrations.every(({ version }) => applied.includes(version));
  const isOurs = (applied.at(-1) ?? 0) <= (migrations.at(-1)?.version ?? 0);
  return isAll && isOurs && (await new Views(db, new URL('views/', schemas)).areInPlace());
}

async function notOurs(db: Queryable, cause: unknown): Promise<SchemaHeld> {
  const [row] = await db.query<{ who: string; owner: string }>(
    'SELECT current_user AS who, pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = current_database()',
  );
  return new SchemaHeld(
    'schema_behind',
    `it is of an earlier version, and the user ${row?.who} may not change it: ${messageOf(cause)}`,
    `run "npm run migrate" as ${row?.owner}, the owner of the database, and connectors/analytics-roles.sql again`,
    { cause },
  );
}

async function bringUp(tx: Queryable, schemas: URL): Promise<string[]> {
  await tx.query(WITHOUT_LIMITS);
  await tx.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
  await tx.query(GIVE_UP_SOON);
  await tx.query(CREATE_VERSIONS);
  const applied = await appliedVersions(tx);
  const migrations = listMigrations(new URL('sql/', schemas));
  const [last, newest] = [applied.at(-1) ?? 0, migrations.at(-1)?.version ?? 0];
  if (last > newest) {
    throw new UnrecoverableError(
      'schema_newer',
      `the analytics database is at schema version ${last}, this program knows up to ${newest}`,
      'run the version of the program that last wrote this database, or a newer one',
    );
  }
  const views = new Views(tx, new URL('views/', schemas));
  // Not only those with higher numbers: a lower one may have been added later, from another branch.
  const pending = migrations.filter((migration) => !applied.includes(migration.version));
  for (const { version, name, text } of pending) {
    await views.run(() => runFile(tx, `sql/${name}`, text));
    await tx.query('INSERT INTO schema_version (version, name) VALUES ($1, $2)', [version, name]);
  }
  return [...pending.map((migration) => migration.name), ...(await views.apply())];
}

async function appliedVersions(tx: Queryable): Promise<number[]> {
  return (await tx.query<{ version: number }>(FIND_VERSIONS)).map(({ version }) => version);
}
