import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { nameInSql } from '#libs/domain/source-tables/names.ts';
import { codeOf } from '#libs/source/postgres/faults.ts';

/** Our two tables in the source database, by what the connector uses each for. */
export const OWN_TABLES = { heartbeat: 'prepadata.heartbeat', signal: 'prepadata.signal' } as const;

const FILE = new URL('../../connectors/debezium.sql', import.meta.url);

/** The statements of debezium.sql for this user and publication. */
export function ownTablesSql(user: string, publication: string): string[] {
  const name = nameInSql(user);
  return readFileSync(FILE, 'utf8')
    .replaceAll(/^--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
    .map((statement) =>
      statement
        .replaceAll(/\bprepadata_reader\b/g, () => name)
        .replace(/^ALTER PUBLICATION prepadata\b/, () => `ALTER PUBLICATION ${publication}`),
    );
}

interface Found {
  readonly name: string;
  readonly present: boolean;
  readonly usable: boolean;
  readonly published: boolean;
  /** Row-level security applies to this user. */
  readonly secured: boolean;
}

// Joins the catalogue, since names cannot be resolved in a schema that the user may not use.
const FIND_SQL = `
  SELECT t.name, c.oid IS NOT NULL AS present,
         coalesce(has_schema_privilege(n.oid, 'USAGE')
           AND (SELECT bool_and(has_table_privilege(c.oid, p)) FROM unnest(t.privileges) AS p), false) AS usable,
         EXISTS (SELECT FROM pg_publication_tables p
                  WHERE p.pubname = $1 AND p.schemaname = 'prepadata' AND p.tablename = t.name) AS published,
         coalesce(row_security_active(c.oid), false) AS secured
    FROM (VALUES ('heartbeat', ARRAY['SELECT', 'INSERT', 'UPDATE']),
                 ('signal', ARRAY['SELECT', 'INSERT'])) AS t (name, privileges)
    LEFT JOIN pg_namespace n ON n.nspname = 'prepadata'
    LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind = 'r'`;

/**
 * Makes and publishes the heartbeat and the signal table where that has not been done.
 * @throws ConfigurationError with the statements to run if the user may not
 */
export async function ensureOwnTables(client: pg.Client, user: string, publication: string): Promise<void> {
  let tables = await findTables(client, publication);
  if (!tables.every(isComplete)) {
    await makeTables(client, user, publication);
    tables = await findTables(client, publication);
  }
  if (!tables.every(isComplete)) throw notAllowed('they were made, and still cannot be used', user, publication);
  const secured = tables.filter((table) => table.secured);
  if (secured.length > 0) throw refusesRows(secured, user);
}

async function makeTables(client: pg.Client, user: string, publication: string): Promise<void> {
  try {
    for (const statement of ownTablesSql(user, publication)) await run(client, statement);
  } catch (error) {
    if (codeOf(error) === '42501') throw notAllowed(messageOf(error), user, publication, error);
    throw error;
  }
}

async function run(client: pg.Client, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    // Somebody else made it at the same moment, or it exists already.
    if (!['42P06', '42P07', '23505', '42710'].includes(codeOf(error) ?? '')) throw error;
  }
}

async function findTables(client: pg.Client, publication: string): Promise<Found[]> {
  return (await client.query<Found>(FIND_SQL, [publication])).rows;
}

const isComplete = ({ present, usable, published }: Found): boolean => present && usable && published;

const notAllowed = (said: string, user: string, publication: string, cause?: unknown): ConfigurationError =>
  new ConfigurationError(
    `the tables of PrepaData in the source database, ${Object.values(OWN_TABLES).join(' and ')}, are not ready, and the user "${user}" may not make them so: ${said}`,
    `as the owner of the database and of the publication, run: ${ownTablesSql(user, publication).join('; ')};`,
    { cause },
  );

/** Policies would have to let the connector write, and these tables need none, so row-level security is to be disabled. */
const refusesRows = (tables: readonly Found[], user: string): ConfigurationError =>
  new ConfigurationError(
    `row-level security keeps the user "${user}" from ${tables.map(({ name }) => `prepadata.${name}`).join(' and ')}, which the connector writes in`,
    `as the owner of these tables, run: ${tables.map(({ name }) => `ALTER TABLE prepadata.${name} DISABLE ROW LEVEL SECURITY;`).join(' ')}`,
  );

/** Drops both tables; false if they belong to somebody else, who has to do it. */
export async function dropOwnTables(client: pg.Client): Promise<boolean> {
  try {
    await client.query(`DROP TABLE IF EXISTS ${Object.values(OWN_TABLES).join(', ')}`);
    await client.query('DROP SCHEMA IF EXISTS prepadata');
    return true;
  } catch (error) {
    // 2BP01: the schema contains something that is not ours, so it stays.
    if (codeOf(error) === '2BP01') return true;
    if (codeOf(error) === '42501') return false;
    throw error;
  }
}
