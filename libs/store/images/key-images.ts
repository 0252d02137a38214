import type { StudentCourse } from '#libs/domain/family.ts';
import { neededColumns, type TableOfKeys } from '#libs/domain/source-tables/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import type { ImageColumns, ImageValue } from './image.ts';
import { millisOf } from './image-table.ts';

/** A live row of the source as staged, with its id. */
export interface ImageOfKey {
  readonly id: string;
  readonly columns: ImageColumns;
}

/**
 * All live rows of one key in one table, in order of id, for callers that have to name them: also unreadable rows, and rows
 * that repeat others.
 */
export async function readImagesOfKey(
  tx: Queryable,
  table: TableOfKeys,
  { courseId, studentId }: StudentCourse,
): Promise<ImageOfKey[]> {
  const columns = neededColumns(table).filter(({ kind }) => kind !== 'uuid');
  // Times are read as text: the digits of a double would depend on the session.
  const list = columns.map(({ name, kind }) => `"${name}"${kind === 'timestamp' ? '::text' : ''}`);
  const rows = await tx.query<Readonly<Record<string, ImageValue>> & { readonly id: string }>(
    {
      name: `store/images_of_key/${table}`,
      text: `SELECT id::text, ${list.join(', ')} FROM state.image_${table}
WHERE course_id = $1::integer AND student_id = $2::integer AND live ORDER BY id`,
    },
    [courseId, studentId],
  );
  return rows.map(({ id, ...row }) => {
    const times = columns.filter(({ kind }) => kind === 'timestamp').map(({ name }) => [name, millisOf(row[name])]);
    return { id, columns: { ...row, ...Object.fromEntries(times), student_id: studentId, course_id: courseId } };
  });
}
