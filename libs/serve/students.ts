import { z } from 'zod';
import type { Uuid } from '#libs/domain/change.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { day, known, ourId, sourceId } from './answers.ts';
import { findEntity } from './identity.ts';
import { cutPage, idAfter, type Page } from './paging.ts';
import { onlyCourse, pagingBy } from './parameters.ts';
import { meanIfAny } from './quantile.ts';
import { sql } from './statements.ts';

export const studentsQuery = z.strictObject({
  courseId: onlyCourse,
  ...pagingBy(200, 5_000),
});

export const studentsAnswer = z.array(
  z
    .strictObject({
      id: ourId,
      source_id: sourceId,
      name: z.null().meta({ description: 'Always null: GET /api/directory has names' }),
      email: z.null().meta({ description: 'Always null: addresses are not copied' }),
      as_of: day.meta({ description: 'The day that the values speak for; of several courses the earliest' }),
      courseId: known(ourId, 'The course that was asked for; null where the row is of all courses of the student'),
      engagement: known(
        z.number(),
        'engagement_score, 0 to 100: of the course, or the mean of those known over the courses; 2 decimals',
      ),
      successRate: known(
        z.number(),
        'success_rate, 0 to 100: of the course, or the mean of those known over the courses; 2 decimals',
      ),
    })
    .meta({ id: 'Student' }),
);
export type ListedStudent = z.output<typeof studentsAnswer>[number];

interface StudentRow {
  readonly student_id: number;
  readonly source_id: Uuid;
  readonly as_of: string;
  readonly engagement_scores: readonly number[];
  readonly success_rates: readonly number[];
}

/**
 * Students with features, ordered by student, each once: for one course, or averaged over all of their courses.
 * @throws NotFoundError when the course was never seen
 */
export async function readStudents(db: Queryable, query: z.output<typeof studentsQuery>): Promise<Page<ListedStudent>> {
  const after = idAfter(query.cursor);
  const course = query.courseId === undefined ? undefined : await findEntity(db, 'course', query.courseId);
  const rows =
    course === undefined
      ? await db.query<StudentRow>(sql.students_page, [after, query.limit + 1])
      : await db.query<StudentRow>(sql.students_of_course_page, [after, query.limit + 1, course.id]);
  const page = cutPage(rows, query.limit, (row) => [row.student_id]);
  return { rows: page.rows.map((row) => present(row, course?.id ?? null)), next: page.next };
}

const present = (row: StudentRow, courseId: number | null): ListedStudent => ({
  id: row.student_id,
  source_id: row.source_id,
  name: null,
  email: null,
  as_of: row.as_of,
  courseId,
  engagement: meanIfAny(row.engagement_scores),
  successRate: meanIfAny(row.success_rates),
});
