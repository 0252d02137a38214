import type pg from 'pg';
import { ConfigurationError, UnrecoverableError } from '#libs/domain/errors.ts';
import type { SourceNames } from '#libs/domain/source-tables/names.ts';
import { checkColumnTypes } from './column-types.ts';
import { Waiting } from './faults.ts';
import { findService, logWithoutRows } from './managed.ts';
import { readGrantsSql } from './remedies.ts';
import { checkRowSecurity, type RowSecurity } from './row-security.ts';
import { checkKey, checkKind, checkPresence, notSent } from './table-shape.ts';
import { readTableFacts, type TableFacts } from './tables.ts';

/** From this version on, the server sends stored generated columns if the publication says so. */
export const GENERATED_SENT = 180_000;
/** The oldest server whose pgoutput accepts the options used here. */
const OLDEST_SERVER = 140_000;

/** What is known about a source that can be followed. */
export interface SourceFacts {
  /** In the server's numbering: 180004 is 18.4. */
  readonly version: number;
  readonly tables: readonly TableFacts[];
  readonly rowSecurity: RowSecurity;
}

/**
 * Checks that the server and the five tables can be followed at all, and read completely; creates nothing.
 * @throws ConfigurationError for settings and rights, UnrecoverableError for the schema; each names the fault and the remedy
 * @throws Waiting when the server is a standby
 */
export async function checkTables(client: pg.Client, names: SourceNames): Promise<SourceFacts> {
  const version = await checkServer(client);
  const tables = await readTableFacts(client, names);
  checkPresence(tables);
  for (const table of tables) {
    checkKind(table);
    checkColumns(table, version);
    checkKey(table);
  }
  await checkColumnTypes(client, names, tables);
  const unreadable = tables.flatMap(unreadableIn);
  if (unreadable.length > 0) {
    const user = client.user ?? 'the_user';
    throw new ConfigurationError(
      `the user "${user}" may not read ${unreadable.join(', ')} of the source database`,
      `as the owner of the schema and of the tables, run: ${readGrantsSql(user, names).join(' ')}`,
    );
  }
  return { version, tables, rowSecurity: await checkRowSecurity(client, names) };
}

/** @returns its version */
async function checkServer(client: pg.Client): Promise<number> {
  const result = await client.query<{ version: number; wal: string; standby: boolean; synchronous: string }>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('wal_level') AS wal,
            pg_is_in_recovery() AS standby, current_setting('synchronous_standby_names') AS synchronous`,
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
  waitRatherThanBeWaitedFor(server.synchronous);
  return server.version;
}

/** The names, in lower case, under which the server knows a reader of its log, by either transport. */
const OUR_NAMES = ['*', 'prepadata stream', 'debezium streaming'];

/** @param names the server's setting: each name bare or in quotes, in any case, within `FIRST n (…)` or `ANY n (…)` */
function waitRatherThanBeWaitedFor(names: string): void {
  const each = names.match(/"[^"]*"|[^\s",()]+/g) ?? [];
  if (!each.some((name) => OUR_NAMES.includes(name.replaceAll('"', '').toLowerCase()))) return;
  throw new Waiting(
    `the source server takes whoever reads its log for a standby (synchronous_standby_names = ${names}): each of its commits would wait until PrepaData has stored what came before; waiting until its standbys are named there, as application_name in pg_stat_replication has them; as a superuser, run: ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (standby1)'; SELECT pg_reload_conf(); where it has none, set it to ''`,
  );
}

/** What the user may not read: the whole table, or single columns of it. */
function unreadableIn({ named, isInReach, columns }: TableFacts): string[] {
  const hidden = named.columns.filter(({ name }) => columns[name]?.readable === false);
  if (!isInReach || hidden.length === named.columns.length) return [named.sql];
  return hidden.map(({ name }) => `${named.sql}.${name}`);
}

function checkColumns({ named, columns }: TableFacts, version: number): void {
  const name = named.sql;
  const needed = named.columns.map((column) => column.name);
  const missing = needed.filter((column) => columns[column] === undefined);
  if (missing.length > 0) {
    throw new UnrecoverableError(
      'source_column_missing',
      `the source table ${name} has no column ${missing.join(', ')}`,
      `add the column to ${name} as the LMSConnector makes it`,
    );
  }
  for (const column of needed) {
    const generated = columns[column]?.generated;
    if (generated === 'v' || (generated === 's' && version < GENERATED_SENT))
      throw notSent(named, column, columns[column]);
  }
}
