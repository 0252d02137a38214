import type { Uuid } from '#libs/domain/change.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { keySql } from './statements.ts';

const NOBODY: ReadonlySet<Uuid> = new Set();

/**
 * Those of these students who were erased: nothing of theirs is taken in. Who is about to write asks in a later statement
 * than its lock on a source table, which whoever erases holds alone.
 */
export async function erasedAmong(db: Queryable, students: Iterable<Uuid>): Promise<ReadonlySet<Uuid>> {
  const asked = [...new Set(students)];
  if (asked.length === 0) return NOBODY;
  const rows = await db.query<{ id: Uuid }>(keySql.erased_among, [asked]);
  return new Set(rows.map((row) => row.id));
}
