import type { Family, Key } from '#libs/domain/family.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { sql } from './statements.ts';

export const topicOf = (family: Family): string => `prepadata.${family}`;

/** Notes that the keys' rows changed, or went; in the transaction that changes them, under their locks. */
export async function putOutbox(tx: Queryable, family: Family, keys: readonly Key[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.query(sql.outbox_put, [topicOf(family), keys.map((key) => key.studentId), keys.map((key) => key.courseId)]);
}
