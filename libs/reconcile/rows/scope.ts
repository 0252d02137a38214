import type { Uuid } from '#libs/domain/change.ts';
import { PrepaError } from '#libs/domain/errors.ts';
import type { RunScope } from '#libs/domain/run.ts';
import { SOURCE_TABLES, type SourceTable } from '#libs/domain/source-tables/index.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { keySql } from '#libs/store/keys/statements.ts';

/** Which rows of one table to compare. Null: no limit. */
export interface TableScope {
  readonly table: SourceTable;
  readonly sourceStudent: Uuid | null;
  readonly sourceCourse: Uuid | null;
  /** As in the images: our integer ids; in the tables of students and courses themselves, the source's ids. */
  readonly imageStudent: number | Uuid | null;
  readonly imageCourse: number | Uuid | null;
}

/**
 * What a run compares, table by table, parents first. Days do not limit it: a row has no day until it is read, and a wrong
 * one may have had any.
 * @throws PrepaError for an unknown student or course
 */
export async function tableScopes(db: Queryable, { studentId, courseId }: RunScope): Promise<TableScope[]> {
  const ids = { student: null as Uuid | null, course: null as Uuid | null };
  if (studentId !== undefined || courseId !== undefined) {
    const [found] = await db.query<{ student: Uuid | null; course: Uuid | null }>(keySql.identity_source, [
      studentId ?? null,
      courseId ?? null,
    ]);
    ids.student = found?.student ?? null;
    ids.course = found?.course ?? null;
    if (studentId !== undefined && ids.student === null) throw unknown('student', studentId);
    if (courseId !== undefined && ids.course === null) throw unknown('course', courseId);
  }
  return SOURCE_TABLES.flatMap((table): TableScope[] => {
    const { student, course } = ids;
    if (student === null && course === null) return [whole(table)];
    const none = whole(table);
    if (table === 'students')
      return student === null ? [] : [{ ...none, sourceStudent: student, imageStudent: student }];
    if (table === 'courses') return course === null ? [] : [{ ...none, sourceCourse: course, imageCourse: course }];
    return [
      {
        table,
        sourceStudent: student,
        sourceCourse: course,
        imageStudent: studentId ?? null,
        imageCourse: courseId ?? null,
      },
    ];
  });
}

const whole = (table: SourceTable): TableScope => ({
  table,
  sourceStudent: null,
  sourceCourse: null,
  imageStudent: null,
  imageCourse: null,
});

const unknown = (what: string, id: number): PrepaError =>
  new PrepaError(
    `unknown_${what}`,
    `there is no ${what} ${id}`,
    `leave the ${what} out, or name one that has been seen`,
  );
