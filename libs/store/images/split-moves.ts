import type { AnyRowChange, Uuid } from '#libs/domain/change.ts';
import type { Position } from '#libs/domain/position.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { lowXid } from '../schema/project.ts';
import { imageSql } from './statements.ts';

/** A row that moved from one id to another. */
export interface Move {
  readonly table: SourceTable;
  readonly position: Position;
  /** The transaction of both halves, in the form that an image has it. */
  readonly xid: number | null;
  readonly oldId: Uuid;
  readonly newId: Uuid;
}

interface StoredMove {
  readonly source_table: SourceTable;
  readonly epoch: number;
  readonly lsn: bigint;
  readonly old_id: string | null;
  readonly new_id: string | null;
}

const halfName = (table: SourceTable, epoch: number, lsn: bigint): string => `${table} ${epoch} ${lsn}`;

/**
 * Pairs the two halves of moves that their transport could not keep together. The half that comes first is kept in the
 * database; whoever stages the second, in this batch or another process, gets both. They stay there until a new epoch has
 * moves, since a change of the old id may come later than both, see {@link movesFrom}.
 * @returns the moves of which both halves have come
 */
export async function pairMoves(tx: Queryable, rows: readonly AnyRowChange[]): Promise<readonly Move[]> {
  const halves = new Map<string, { row: AnyRowChange; oldId: Uuid | null; newId: Uuid | null }>();
  for (const row of rows) {
    if (row.splitMove !== true) continue;
    const { table, position, op, id } = row;
    const key = halfName(table, position.epoch, position.lsn);
    const half = halves.get(key) ?? { row, oldId: null, newId: null };
    halves.set(key, op === 'delete' ? { ...half, oldId: id } : { ...half, newId: id });
  }
  if (halves.size === 0) return [];
  const all = [...halves.values()];
  const stored = await tx.query<StoredMove>(imageSql.moves_pair, [
    all.map(({ row }) => row.table),
    all.map(({ row }) => row.position.epoch),
    all.map(({ row }) => row.position.lsn),
    all.map(({ oldId }) => oldId),
    all.map(({ newId }) => newId),
  ]);
  const whole = wholeOf(stored).map((move) => {
    const { epoch, lsn } = move.position;
    return { ...move, xid: lowXid(halves.get(halfName(move.table, epoch, lsn))?.row.xid) };
  });
  if (whole.length > 0)
    await tx.query(imageSql.moves_forget, [Math.max(...whole.map(({ position }) => position.epoch))]);
  return whole.filter(isMove);
}

/** If all columns are part of the changed key, the id itself may be the same. */
const isMove = ({ oldId, newId }: Move): boolean => oldId !== newId;

/** The moves at these positions of which both halves have come and been staged. */
export async function movesFrom(
  tx: Queryable,
  left: readonly { readonly table: SourceTable; readonly position: Position }[],
): Promise<readonly Move[]> {
  if (left.length === 0) return [];
  const stored = await tx.query<StoredMove>(imageSql.moves_read, [
    left.map(({ table }) => table),
    left.map(({ position }) => position.epoch),
    left.map(({ position }) => position.lsn),
  ]);
  return wholeOf(stored).filter(isMove);
}

const wholeOf = (stored: readonly StoredMove[]): readonly Move[] =>
  stored.flatMap(({ source_table: table, epoch, lsn, old_id: oldId, new_id: newId }): Move[] =>
    oldId === null || newId === null ? [] : [{ table, position: { epoch, lsn }, xid: null, oldId, newId }],
  );
