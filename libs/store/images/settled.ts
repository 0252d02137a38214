import type { Position } from '#libs/domain/position.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { imagesOf } from './stage.ts';
import { imageSql } from './statements.ts';
import { lockTables } from './table-locks.ts';

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';
/** So few that live changes, which wait meanwhile, do not notice. */
const ROWS_AT_ONCE = 2_000;

/** Whether a table has tombstones at or below a position. */
export const hasTombstones = async (db: Queryable, table: SourceTable, position: Position): Promise<boolean> =>
  (await imagesOf(table).gone(db, BEFORE_ALL, position, 1)).length > 0;

/**
 * Removes the tombstones of a table at or below a position up to which everything is staged. They were kept so that older
 * changes are refused; from now on the position itself refuses what it does not know, whoever brings it and however late.
 * @param guard the first thing that each writing transaction does
 * @returns how many were removed
 */
export async function forgetTombstones(
  db: Database,
  table: SourceTable,
  { epoch, lsn }: Position,
  guard: (tx: Queryable) => Promise<void> = async () => {},
): Promise<number> {
  const images = imagesOf(table);
  let removed = 0;
  for (let after = BEFORE_ALL; ; ) {
    const ids = await images.gone(db, after, { epoch, lsn }, ROWS_AT_ONCE);
    const last = ids.at(-1);
    if (last === undefined) return removed;
    after = last;
    removed += await db.transaction(async (tx) => {
      await guard(tx);
      // Nobody stages meanwhile, and whoever does so next knows the position.
      await lockTables(tx, new Map([[table, true]]));
      await tx.query(imageSql.settled_raise, [table, epoch, lsn]);
      return images.forget(tx, ids, { epoch, lsn });
    });
  }
}
