import type pg from 'pg';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { messageOf, UnrecoverableError } from '#libs/domain/errors.ts';
import { snapshotPosition } from '#libs/domain/position.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import { identifier, type NamedTable, type SourceNames } from '#libs/domain/source-tables/names.ts';
import { copyOut } from '#libs/platform/postgres/copy.ts';
import { rowChange, type Stamp } from './decode.ts';
import { type ReadText, readBytes } from './encoding.ts';
import { isBadText, Waiting } from './faults.ts';
import type { RowSecurity } from './row-security.ts';

/** A chunk of one table, in the order in which the server read it. */
export interface SnapshotChunk {
  readonly table: SourceTable;
  readonly rows: readonly AnyRowChange[];
}

export const qualified = ({ schema, name }: NamedTable): string => `${identifier(schema)}.${identifier(name)}`;

/**
 * A SELECT without a condition that reads a table's `id` and needed columns, in the order of their declaration. All reading of
 * source rows uses it, so that a value never depends on how it was read.
 */
export function selectRows(table: NamedTable): string {
  const columns = [table.id, ...table.needed].map(({ name, isLeft }) => (isLeft ? 'NULL' : identifier(name)));
  return `SELECT ${columns.join(', ')} FROM ONLY ${qualified(table)}`;
}

/**
 * Locks a table's definition until the transaction ends. The right to read one column is enough, whereas LOCK TABLE needs
 * the right to the whole table.
 */
export const lockSql = (table: NamedTable): string => `SELECT FROM ONLY ${qualified(table)} WHERE false`;

/** What {@link selectRows} reads, as text. */
export type TextRow = readonly (string | null)[];

/** A row read from its table, as a change. */
export const readChange = (table: SourceTable, stamp: Stamp, values: TextRow): AnyRowChange =>
  rowChange(table, 'read', values[0] ?? '', stamp, (_column, index) => values[index + 1] ?? null);

/**
 * Opens the reading transaction on an exported snapshot.
 * @param rowSecurity see {@link RowSecurity}
 * @throws Waiting when a table was rewritten after the snapshot was taken (ALTER TABLE, TRUNCATE, VACUUM FULL): to older
 *   snapshots such a table looks empty, so the reading must start again
 */
export async function beginReading(
  client: pg.Client,
  names: SourceNames,
  snapshot: string,
  rowSecurity: RowSecurity['setting'],
): Promise<void> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await client.query(`SET TRANSACTION SNAPSHOT ${client.escapeLiteral(snapshot)}`);
  await client.query(`SET LOCAL row_security = ${rowSecurity}`);
  for (const table of names.tables) await client.query(lockSql(table));
  const rewritten = await rewrittenSince(client, names.tables);
  if (rewritten.length > 0) {
    throw new Waiting(
      `the source table ${rewritten.map(({ name }) => name).join(', ')} was rewritten just as its reading began; beginning anew`,
    );
  }
}

/** Those of the locked tables that were rewritten or emptied since the transaction's snapshot was taken. */
export async function rewrittenSince(client: pg.Client, tables: readonly NamedTable[]): Promise<readonly NamedTable[]> {
  // pg_class is read as of the snapshot, while pg_relation_filenode() returns the present value.
  const same = await client.query<{ relname: string }>(
    `SELECT c.relname FROM pg_class c
      WHERE c.oid = ANY ($1::regclass[]) AND c.relfilenode = pg_relation_filenode(c.oid)`,
    [tables.map(qualified)],
  );
  const unchanged = new Set(same.rows.map((row) => row.relname));
  return tables.filter(({ name }) => !unchanged.has(name));
}

/** The number of rows of all five tables: the planner's estimate, or a count if a table was never analysed. */
export async function estimateRows(client: pg.Client, names: SourceNames): Promise<number> {
  let total = 0;
  for (const table of names.tables) {
    const name = qualified(table);
    const planned = await client.query<{ rows: number }>(
      'SELECT reltuples::float8 AS rows FROM pg_class WHERE oid = $1::regclass',
      [name],
    );
    let rows = planned.rows[0]?.rows ?? -1;
    if (rows < 0) {
      const counted = await client.query<{ rows: number }>(`SELECT count(*)::float8 AS rows FROM ONLY ${name}`);
      rows = counted.rows[0]?.rows ?? 0;
    }
    total += rows;
  }
  return total;
}

/** A chunk ends with the row that reaches this many characters, since rows may contain long texts. */
const CHARACTERS_PER_PIECE = 16 * 1024 * 1024;

/** Reads every table, parents first, in chunks of at most `size` rows, and ends the transaction. */
export async function* readTables(
  client: pg.Client,
  names: SourceNames,
  epoch: number,
  size: number,
): AsyncGenerator<SnapshotChunk> {
  const stamp: Stamp = { position: snapshotPosition(epoch) };
  const read = await readBytes(client);
  for (const named of names.tables) {
    const { table } = named;
    let [rows, characters]: [AnyRowChange[], number] = [[], 0];
    for await (const copied of rowsOf(client, named, read)) {
      for (const values of copied) {
        for (const value of values) characters += value?.length ?? 0;
        if (rows.push(readChange(table, stamp, values)) < size && characters < CHARACTERS_PER_PIECE) continue;
        yield { table, rows };
        [rows, characters] = [[], 0];
      }
    }
    if (rows.length > 0) yield { table, rows };
  }
  await client.query('COMMIT');
}

async function* rowsOf(client: pg.Client, named: NamedTable, read: ReadText): AsyncGenerator<TextRow[]> {
  try {
    yield* copyOut(client, selectRows(named), read);
  } catch (error) {
    throw isBadText(error) ? textWithoutMeaning(error, named) : error;
  }
}

/** The server names the bytes and the encoding: `character with byte sequence 0x81 in encoding "WIN1252" has …`. */
const BAD_BYTES = /((?:0x[0-9a-f]{2} ?)+).*?encoding "(\w+)"/;

function textWithoutMeaning(error: unknown, table: NamedTable): UnrecoverableError {
  const name = qualified(table);
  const [, bytes = '', encoding = 'UTF8'] = BAD_BYTES.exec(messageOf(error)) ?? [];
  const hex = bytes.replaceAll(/0x| /g, '');
  const conditions = table.needed
    .filter(({ kind }) => kind === 'text' || kind === 'json')
    .map((column) => `position('\\x${hex}'::bytea IN convert_to(${identifier(column.name)}::text, '${encoding}')) > 0`);
  return new UnrecoverableError(
    'source_text',
    `a row of the source table ${name} cannot be read, since a text of it is none in the encoding of its database: ${messageOf(error)}`,
    `to find the row, run: SELECT ${identifier(table.id.name)} FROM ${name} WHERE ${conditions.join(' OR ')}; then set its text right, and start again`,
    { cause: error },
  );
}
