import type pg from 'pg';
import { ConfigurationError, UnrecoverableError } from '#libs/domain/errors.ts';
import { neededColumns } from '#libs/domain/source-tables/index.ts';
import { checkColumnTypes } from './column-types.ts';
import { Waiting } from './faults.ts';
import { findService, logWithoutRows } from './managed.ts';
import { readGrantsSql } from './remedies.ts';
import { checkRowSecurity, type RowSecurity } from './row-security.ts';
import { checkKey, checkKind, checkPresence, notSent } from './table-shape.ts';
import { readTableFacts, type TableFacts } from './tables.ts';

/** From here on the server sends stored generated columns, if the publication says so. */
export const GENERATED_SENT = 180_000;
/** The oldest server whose pgoutput takes the options used here. */
const OLDEST_SERVER = 140_000;

/** What is known of a source that can be followed. */
export interface SourceFacts {
  /** As the server counts it, 180004 for 18.4. */
  readonly version: number;
  readonly tables: readonly TableFacts[];
  readonly rowSecurity: RowSecurity;
}

/**
 * Checks that the server and the five tables can be followed at all, and read as a whole; makes nothing.
 * @throws ConfigurationError for settings and rights, UnrecoverableError for the schema; each names what and the remedy
 * @throws Waiting when the server is a standby
 */
export async function checkTables(client: pg.Client, schema: string): Promise<SourceFacts> {
  const version = await checkServer(client);
  const tables = await readTableFacts(client, schema);
  checkPresence(schema, tables);
  for (const table of tables) {
    checkKind(schema, table);
    checkColumns(schema, table, version);
    checkKey(schema, table);
  }
  await checkColumnTypes(client, schema, tables);
  const unreadable = tables.filter((table) => !table.readable).map((table) => `${schema}.${table.name}`);
  if (unreadable.length > 0) {
    const user = client.user ?? 'the_user';
    throw new ConfigurationError(
      `the user "${user}" may not read ${unreadable.join(', ')} of the source database`,
      `as the owner of the schema and of the tables, run: ${readGrantsSql(user, schema).join(' ')}`,
    );
  }
  return { version, tables, rowSecurity: await checkRowSecurity(client, schema) };
}

/** @returns its version */
async function checkServer(client: pg.Client): Promise<number> {
  const result = await client.query<{ version: number; wal: string; standby: boolean }>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('wal_level') AS wal,
            pg_is_in_recovery() AS standby`,
  );
  const server = result.rows[0];
  if (server === undefined) throw new Error('the server did not say which version it is');
  if (server.version < OLDEST_SERVER) {
    throw new ConfigurationError(
      `the source server is Postgres ${Math.floor(server.version / 10_000)}; its changes can be followed from 14 on`,
      'upgrade the source server to Postgres 14 or later',
    );
  }
  if (server.standby) throw new Waiting('the source server is a standby; waiting until it is promoted');
  if (server.wal !== 'logical') throw logWithoutRows(server.wal, await findService(client));
  return server.version;
}

function checkColumns(schema: string, table: TableFacts, version: number): void {
  const name = `${schema}.${table.name}`;
  const needed = ['id', ...neededColumns(table.name).map((column) => column.name)];
  const missing = needed.filter((column) => table.columns[column] === undefined);
  if (missing.length > 0) {
    throw new UnrecoverableError(
      'source_column_missing',
      `the source table ${name} has no column ${missing.join(', ')}`,
      `add the column to ${name} as the LMSConnector makes it`,
    );
  }
  for (const column of needed) {
    const generated = table.columns[column]?.generated;
    if (generated === 'v' || (generated === 's' && version < GENERATED_SENT)) throw notSent(name, table, column);
  }
}
