import type { Family, Key } from '#libs/domain/family.ts';
import { laterPosition, type Position } from '#libs/domain/position.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { sql } from './statements.ts';

/** Which marks go first: news from the source, then a snapshot's rows, then all that follows from something else. */
export const MARK_PRIORITY = { live: 0, snapshot: 1, bulk: 2 } as const;
export type MarkPriority = (typeof MARK_PRIORITY)[keyof typeof MARK_PRIORITY];
export const MARK_PRIORITIES: readonly MarkPriority[] = [
  MARK_PRIORITY.live,
  MARK_PRIORITY.snapshot,
  MARK_PRIORITY.bulk,
];

interface PendingMark extends Key {
  readonly family: Family;
  position: Position | null;
  committedAt: number | null;
}

/** The marks of one batch: one per key, with the greatest position and commit time that touched it. */
export class MarkSet {
  readonly #marks = new Map<string, PendingMark>();

  add(family: Family, key: Key, position: Position | null, committedAt: number | null): void {
    const name = `${family} ${key.courseId} ${key.studentId}`;
    const known = this.#marks.get(name);
    if (known === undefined) {
      this.#marks.set(name, { family, courseId: key.courseId, studentId: key.studentId, position, committedAt });
      return;
    }
    known.position = laterPosition(known.position, position);
    known.committedAt = Math.max(
      known.committedAt ?? Number.NEGATIVE_INFINITY,
      committedAt ?? Number.NEGATIVE_INFINITY,
    );
    if (known.committedAt === Number.NEGATIVE_INFINITY) known.committedAt = null;
  }

  get size(): number {
    return this.#marks.size;
  }

  async write(tx: Queryable, priority: MarkPriority): Promise<void> {
    if (this.#marks.size === 0) return;
    const marks = [...this.#marks.values()];
    await tx.query(sql.marks_add, [
      marks.map((mark) => mark.family),
      marks.map((mark) => mark.courseId),
      marks.map((mark) => mark.studentId),
      marks.map((mark) => mark.position?.epoch ?? null),
      marks.map((mark) => mark.position?.lsn ?? null),
      marks.map((mark) => mark.committedAt),
      priority,
    ]);
  }
}

/** Marks every key there is, in one statement. */
export async function markAllKeys(tx: Queryable, priority: MarkPriority, position: Position | null): Promise<void> {
  await tx.query(sql.keys_mark_all, [priority, position?.epoch ?? null, position?.lsn ?? null]);
}
