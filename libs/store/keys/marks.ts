import type { Family, StudentCourse } from '#libs/domain/family.ts';
import { laterPosition, type Position } from '#libs/domain/position.ts';
import { familyOf, SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { fillKeyTemplate, keySql } from './statements.ts';

/** The channel for news of what there is to derive. */
export const WAKE_CHANNEL = 'prepadata_wake';

/** Which marks go first: news from the source, then a snapshot's rows, then everything else. */
export const MARK_PRIORITY = { live: 0, snapshot: 1, bulk: 2 } as const;
export type MarkPriority = (typeof MARK_PRIORITY)[keyof typeof MARK_PRIORITY];
export const MARK_PRIORITIES: readonly MarkPriority[] = [
  MARK_PRIORITY.live,
  MARK_PRIORITY.snapshot,
  MARK_PRIORITY.bulk,
];

/** What a mark says of its origin. */
export interface MarkOrigin {
  /** The greatest position that touched the key; null: no change of the source did. */
  readonly position: Position | null;
  /** Milliseconds since 1970; null: not known. */
  readonly committedAt: number | null;
  /**
   * Readiness waits for it: a snapshot, a new epoch or adopted settings made the mark, or a derivation that took such a
   * mark.
   */
  readonly awaited: boolean;
}

/** For marks that readiness does not wait for and no change of the source caused. */
export const NO_ORIGIN: MarkOrigin = { position: null, committedAt: null, awaited: false };

/** The origin of what two marks caused together. */
export const laterOrigin = (a: MarkOrigin, b: MarkOrigin): MarkOrigin => ({
  position: laterPosition(a.position, b.position),
  committedAt:
    a.committedAt === null || b.committedAt === null
      ? (a.committedAt ?? b.committedAt)
      : Math.max(a.committedAt, b.committedAt),
  awaited: a.awaited || b.awaited,
});

export const commitDate = ({ committedAt }: Pick<MarkOrigin, 'committedAt'>): Date | null =>
  committedAt === null ? null : new Date(committedAt);

/** The ids of a key's new rows, if nothing else about its rows has changed; null: any row may have changed. */
export type NewRows = readonly string[] | null;

/** For a mark that is not about rows: a new day, a moved course, what other families have stored. */
export const NO_NEW_ROWS: NewRows = [];

/** Marked keys by family. */
export type MarkedKeys = ReadonlyMap<Family, readonly StudentCourse[]>;

export function joinMarked(one: MarkedKeys, other: MarkedKeys): MarkedKeys {
  const keys = new Map(one);
  for (const [family, named] of other) keys.set(family, [...(keys.get(family) ?? []), ...named]);
  return keys;
}

type PendingMark = StudentCourse & { readonly family: Family } & {
  -readonly [Name in keyof MarkOrigin]: MarkOrigin[Name];
} & {
  newRows: string[] | null;
};

/** The marks of one batch: one per key, with the greatest position and commit time that touched it. */
export class MarkSet {
  readonly #marks = new Map<string, PendingMark>();

  add(family: Family, key: StudentCourse, { position, committedAt, awaited }: MarkOrigin, newRows: NewRows): void {
    const name = `${family} ${key.courseId} ${key.studentId}`;
    const known = this.#marks.get(name);
    if (known === undefined) {
      const { courseId, studentId } = key;
      this.#marks.set(name, {
        family,
        courseId,
        studentId,
        position,
        committedAt,
        awaited,
        newRows: newRows && [...newRows],
      });
      return;
    }
    if (newRows === null) known.newRows = null;
    else for (const id of newRows) known.newRows?.push(id);
    Object.assign(known, laterOrigin(known, { position, committedAt, awaited }));
  }

  get size(): number {
    return this.#marks.size;
  }

  keys(): MarkedKeys {
    const keys = new Map<Family, StudentCourse[]>();
    for (const { family, courseId, studentId } of this.#marks.values()) {
      const known = keys.get(family);
      if (known === undefined) keys.set(family, [{ courseId, studentId }]);
      else known.push({ courseId, studentId });
    }
    return keys;
  }

  async write(tx: Queryable, priority: MarkPriority): Promise<void> {
    if (this.#marks.size === 0) return;
    const marks = [...this.#marks.values()];
    await tx.query(keySql.marks_add, [
      marks.map((mark) => mark.family),
      marks.map((mark) => mark.courseId),
      marks.map((mark) => mark.studentId),
      marks.map((mark) => mark.position?.epoch ?? null),
      marks.map((mark) => mark.position?.lsn ?? null),
      marks.map((mark) => mark.committedAt),
      priority,
      marks.map((mark) => mark.awaited),
      marks.map((mark) => mark.newRows && `{${mark.newRows.join(',')}}`),
    ]);
  }
}

const KEYS_MARK_ALL = fillKeyTemplate('keys_mark_all', 'all', {
  keysOfRows: SOURCE_TABLES.flatMap((table) => {
    const family = familyOf(table);
    if (family === null) return [];
    return `SELECT '${family}' AS family, course_id, student_id FROM state.image_${table} WHERE live AND course_id IS NOT NULL AND student_id IS NOT NULL`;
  }).join('\n  UNION\n  '),
});

/** Marks every key, as awaited, in one statement. */
export async function markAllKeys(tx: Queryable, priority: MarkPriority, position: Position | null): Promise<void> {
  // Undoes PLANS_OF_QUEUES: this statement, and the transaction's others on everything, read whole tables.
  await tx.query('SET LOCAL enable_seqscan = on');
  await tx.query(KEYS_MARK_ALL, [priority, position?.epoch ?? null, position?.lsn ?? null]);
}
