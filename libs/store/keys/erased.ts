import type { Uuid } from '#libs/domain/change.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { keySql } from './statements.ts';

const NOBODY: ReadonlySet<Uuid> = new Set();

/**
 * Those of these students who were erased: nothing of theirs is taken in. A writer has to ask in a later statement than the
 * one that locks its source table, since an erasure holds those locks exclusively.
 */
export async function erasedAmong(db: Queryable, students: Iterable<Uuid>): Promise<ReadonlySet<Uuid>> {
  const asked = [...new Set(students)];
  if (asked.length === 0) return NOBODY;
  const rows = await db.query<{ id: Uuid }>(keySql.erased_among, [asked]);
  return new Set(rows.map((row) => row.id));
}
