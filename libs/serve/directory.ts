import { z } from 'zod';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { known, ourId, sourceId } from './answers.ts';
import { findEntity } from './identity.ts';
import { cutPage, idAfter, type Page } from './paging.ts';
import { entityId, pagingBy } from './parameters.ts';
import { sql } from './statements.ts';

export const directoryQuery = z.strictObject({
  course_id: entityId.meta({ description: 'Our integer, or the UUID of the source' }),
  ...pagingBy(1_000, 5_000),
});

export const directoryAnswer = z.array(
  z
    .strictObject({
      student_id: ourId,
      student_source_id: sourceId,
      name: known(
        z.string(),
        'As the source has it; null where it has none, with DIRECTORY=off, and where this service may not read names',
      ),
    })
    .meta({ id: 'NamedStudent' }),
);
export type NamedStudent = z.output<typeof directoryAnswer>[number];

const NO_RIGHT = '42501';

/**
 * The students of a course with their names, ordered by our integers.
 * @throws NotFoundError when the course was never seen
 */
export async function readDirectory(
  db: Queryable,
  query: z.output<typeof directoryQuery>,
): Promise<Page<NamedStudent>> {
  const after = idAfter(query.cursor);
  const course = await findEntity(db, 'course', query.course_id);
  const rows = await db.query<Omit<NamedStudent, 'name'>>(sql.directory_page, [after, query.limit + 1, course.id]);
  const page = cutPage(rows, query.limit, (row) => [row.student_id]);
  const names = await readNames(
    db,
    'student',
    page.rows.map((row) => row.student_id),
  );
  return { rows: page.rows.map((row) => ({ ...row, name: names.get(row.student_id) ?? null })), next: page.next };
}

/** The names of these, by our integers; empty if the login may not read names. */
export async function readNames(
  db: Queryable,
  kind: 'student' | 'course',
  ids: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  try {
    const rows = await db.query<{ id: number; name: string }>(sql.directory_names, [kind, ids]);
    return new Map(rows.map(({ id, name }) => [id, name]));
  } catch (error) {
    if ((error as { code?: unknown }).code === NO_RIGHT) return new Map();
    throw error;
  }
}
