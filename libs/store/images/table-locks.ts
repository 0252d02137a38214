import { comparePositions, type Position } from '#libs/domain/position.ts';
import { SOURCE_TABLES, type SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { checkFingerprint } from '../keys/calendar.ts';
import { schemaSql } from '../schema/statements.ts';
import { imageSql } from './statements.ts';

/** First number of the advisory locks on source tables; the second is the table's index. */
const TABLE_LOCK = 7_130_002;

/** Where each table was last truncated: changes at or before that position are dead. */
export type TruncatePositions = Map<SourceTable, Position>;

export const isBelow = (
  truncatePositions: TruncatePositions,
  { table, position }: { readonly table: SourceTable; readonly position: Position },
): boolean => {
  const truncatePosition = truncatePositions.get(table);
  return truncatePosition !== undefined && comparePositions(position, truncatePosition) <= 0;
};

/**
 * Locks tables until the transaction ends, in a fixed order, and reads their truncate positions in a later statement.
 * @param exclusive by table: true if it is truncated, false if its rows are written
 */
export async function lockTables(
  tx: Queryable,
  exclusive: ReadonlyMap<SourceTable, boolean>,
): Promise<TruncatePositions> {
  const tables = [...exclusive.keys()];
  if (tables.length === 0) return new Map();
  const numbers = tables.map((table) => SOURCE_TABLES.indexOf(table));
  const [, rows] = await Promise.all([
    tx.query(imageSql.table_locks, [TABLE_LOCK, numbers, [...exclusive.values()]]),
    tx.query<PositionRow>(imageSql.truncate_positions, [tables]),
  ]);
  return byTable(rows);
}

/**
 * Up to where everything is staged, so that a change at or before it of a row without an image is the repetition of one whose
 * tombstone was removed. To be read in a later statement than the tables' locks.
 */
export const readSettled = async (tx: Queryable): Promise<TruncatePositions> =>
  byTable(await tx.query<PositionRow>(imageSql.settled_positions, [SOURCE_TABLES]));

type PositionRow = { readonly source_table: SourceTable } & Position;

const byTable = (rows: readonly PositionRow[]): TruncatePositions =>
  new Map(rows.map(({ source_table: table, epoch, lsn }) => [table, { epoch, lsn }]));

/** Keeps all batches out until the transaction ends. */
export async function lockAllTables(tx: Queryable): Promise<void> {
  const numbers = SOURCE_TABLES.map((_, index) => index);
  await tx.query(imageSql.table_locks, [TABLE_LOCK, numbers, numbers.map(() => true)]);
}

/**
 * To be called in a later statement than the tables' locks, which are held while settings are adopted.
 * @throws UnrecoverableError when the database has other settings by now
 */
export async function checkSettings(tx: Queryable, fingerprint: string): Promise<void> {
  const [stored] = await tx.query<{ fingerprint: string }>(schemaSql.settings_read);
  checkFingerprint(stored?.fingerprint ?? null, fingerprint);
}
