import type pg from 'pg';
import { type ColumnKind, SOURCE_TABLES, type SourceTable } from '#libs/domain/change.ts';
import { ConfigurationError, UnrecoverableError } from '#libs/domain/errors.ts';
import { neededColumns } from './decode.ts';
import { Waiting } from './faults.ts';
import { grantsSql } from './remedies.ts';

/** The oldest server whose pgoutput takes the options used here. */
const OLDEST_SERVER = 140_000;

interface TableRow {
  readonly name: string;
  readonly exists: boolean;
  readonly kind: string;
  readonly hasChildren: boolean;
  readonly identity: 'd' | 'n' | 'f' | 'i';
  readonly primaryKey: readonly string[];
  /** The columns of the index chosen as replica identity, if one is. */
  readonly identityIndex: readonly string[];
  readonly columns: Readonly<Record<string, { readonly type: string; readonly readable: boolean }>>;
}

const TABLES_SQL = `
  SELECT t.name, c.oid IS NOT NULL AS exists, c.relkind AS kind, c.relreplident AS identity,
         EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid) AS "hasChildren",
         coalesce((SELECT jsonb_agg(a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
                   AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) WHERE i.indrelid = c.oid AND i.indisprimary), '[]') AS "primaryKey",
         coalesce((SELECT jsonb_agg(a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
                   AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) WHERE i.indrelid = c.oid AND i.indisreplident), '[]') AS "identityIndex",
         coalesce((SELECT jsonb_object_agg(a.attname, jsonb_build_object('type', format_type(a.atttypid, NULL),
                     'readable', has_column_privilege(c.oid, a.attnum, 'SELECT')))
                   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '{}') AS columns
    FROM unnest($2::text[]) AS t (name)
    LEFT JOIN pg_namespace n ON n.nspname = $1
    LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`;

/** The types whose text form is what the kind promises; any type has a text. */
const TYPES: Record<ColumnKind, readonly string[]> = {
  uuid: ['uuid'],
  text: [],
  timestamp: ['timestamp without time zone'],
  numeric: ['numeric', 'smallint', 'integer', 'bigint', 'real', 'double precision'],
  integer: ['integer', 'smallint', 'bigint', 'numeric'],
  json: ['jsonb', 'json'],
};

/**
 * Checks that the server and the five tables can be followed at all.
 * @throws ConfigurationError for settings and rights, UnrecoverableError for the schema; each names what and the remedy
 * @throws Waiting when the server is a standby
 */
export async function checkTables(client: pg.Client, schema: string): Promise<void> {
  await checkServer(client);
  const result = await client.query<TableRow>(TABLES_SQL, [schema, SOURCE_TABLES]);
  const missing = result.rows.filter((row) => !row.exists).map((row) => `${schema}.${row.name}`);
  if (missing.length > 0) {
    throw new UnrecoverableError(
      'source_table_missing',
      `the source database has no table ${missing.join(', ')}`,
      'let the LMSConnector make its tables first, or name the schema they are in',
    );
  }
  const grants = grantsSql(client.user ?? 'the_user', schema).join(' ');
  for (const table of SOURCE_TABLES) {
    const row = result.rows.find((candidate) => candidate.name === table);
    if (row !== undefined) checkTable(`${schema}.${table}`, table, row, grants);
  }
}

async function checkServer(client: pg.Client): Promise<void> {
  const result = await client.query<{ version: number; wal: string; standby: boolean }>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('wal_level') AS wal,
            pg_is_in_recovery() AS standby`,
  );
  const server = result.rows[0];
  if (server === undefined) return;
  if (server.version < OLDEST_SERVER) {
    throw new ConfigurationError(
      `the source server is Postgres ${Math.floor(server.version / 10_000)}; its changes can be followed from 14 on`,
      'upgrade the source server to Postgres 14 or later',
    );
  }
  if (server.standby) throw new Waiting('the source server is a standby; waiting until it is promoted');
  if (server.wal !== 'logical') {
    throw new ConfigurationError(
      `the source server writes its log with wal_level = ${server.wal}, which does not hold the changes of rows`,
      'as a superuser, run: ALTER SYSTEM SET wal_level = logical; and restart the source server',
    );
  }
}

function checkTable(name: string, table: SourceTable, row: TableRow, grants: string): void {
  if (row.kind !== 'r' || row.hasChildren) {
    throw new UnrecoverableError(
      'source_table_kind',
      `the source's ${name} is not an ordinary table (it is a view, foreign, partitioned, or has child tables), so its changes cannot be followed under its name`,
      `make ${name} an ordinary table`,
    );
  }
  checkColumns(name, table, row, grants);
  if (row.primaryKey.length !== 1 || row.primaryKey[0] !== 'id') {
    throw new UnrecoverableError(
      'source_primary_key',
      `the primary key of the source table ${name} is ${row.primaryKey.length === 0 ? 'missing' : `(${row.primaryKey.join(', ')})`}; it must be (id)`,
      `run: ALTER TABLE ${name} ADD PRIMARY KEY (id); (after dropping another one)`,
    );
  }
  if (row.identity === 'n' || (row.identity === 'i' && !row.identityIndex.includes('id'))) {
    throw new UnrecoverableError(
      'source_replica_identity',
      `the replica identity of the source table ${name} does not contain id, so that deletes cannot be told apart`,
      `run: ALTER TABLE ${name} REPLICA IDENTITY DEFAULT;`,
    );
  }
}

function checkColumns(name: string, table: SourceTable, row: TableRow, grants: string): void {
  const needed = [{ name: 'id', kind: 'uuid' as ColumnKind }, ...neededColumns(table)];
  const missing = needed.filter((column) => row.columns[column.name] === undefined).map((column) => column.name);
  if (missing.length > 0) {
    throw new UnrecoverableError(
      'source_column_missing',
      `the source table ${name} has no column ${missing.join(', ')}`,
      `add the column to ${name} as the LMSConnector makes it`,
    );
  }
  for (const { name: column, kind } of needed) {
    const { type, readable } = row.columns[column] ?? { type: '', readable: true };
    if (kind !== 'text' && !TYPES[kind].includes(type)) {
      throw new UnrecoverableError(
        'source_column_type',
        `the column ${column} of the source table ${name} is of type ${type}; it must be ${TYPES[kind].join(' or ')}`,
        `run: ALTER TABLE ${name} ALTER COLUMN ${column} TYPE ${TYPES[kind][0]} USING ...; as fits the data`,
      );
    }
    if (!readable) {
      throw new ConfigurationError(
        `the user may not read the column ${column} of the source table ${name}`,
        `as a superuser of the database, run: ${grants}`,
      );
    }
  }
}
