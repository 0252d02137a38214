import { FAMILIES, type Family } from '#libs/domain/family.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { sql } from './statements.ts';

/** The keys of a family that cannot be derived: how many, and the first of them. */
interface SetAside {
  readonly keys: number;
  readonly studentId: number;
  readonly courseId: number;
}

interface SetAsideRow {
  readonly family: Family;
  readonly keys: bigint;
  readonly student_id: number;
  readonly course_id: number;
}

/** By family; families without keys set aside are absent. */
export async function readSetAside(db: Queryable): Promise<ReadonlyMap<Family, SetAside>> {
  const rows = await db.query<SetAsideRow>(sql.set_aside);
  return new Map(
    rows.map((row) => [row.family, { keys: Number(row.keys), studentId: row.student_id, courseId: row.course_id }]),
  );
}

/** One sentence for each family that has keys set aside. */
export const setAsideTroubles = (setAside: ReadonlyMap<Family, SetAside>): string[] =>
  FAMILIES.flatMap((family) => {
    const found = setAside.get(family);
    if (found === undefined) return [];
    const more = found.keys === 1 ? 'is' : `and ${found.keys - 1} more are`;
    return [
      `${family}: student ${found.studentId} in course ${found.courseId} ${more} set aside, since the features cannot be derived; GET /api/rejected says why`,
    ];
  });
