import { z } from 'zod';
import type { Uuid } from '#libs/domain/change.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { decimal, known } from './answers.ts';
import { findEntity } from './identity.ts';
import { cutPage, decodeCursor, type Page } from './paging.ts';
import { entityId, pageParameters } from './parameters.ts';
import { sql } from './statements.ts';

export const studentsQuery = z.strictObject({
  courseId: entityId.optional().meta({ description: 'Only this course: our integer, or the UUID of the source' }),
  ...pageParameters,
});

export const studentsAnswer = z.array(
  z.strictObject({
    id: z.int(),
    source_id: z.uuid(),
    courseId: z.int(),
    engagement: known(z.number(), 'engagement_score, 0 to 100'),
    successRate: known(z.number(), 'success_rate, 0 to 100'),
  }),
);
export type StudentInCourse = z.output<typeof studentsAnswer>[number];

interface StudentRow {
  readonly student_id: number;
  readonly course_id: number;
  readonly source_id: Uuid;
  readonly engagement_score: string | null;
  readonly success_rate: string | null;
}

const integer = z.int32().min(0);
const studentsCursor = z.tuple([integer, integer]);

/**
 * Students with features, one row per course each, in order of (student, course).
 * @throws NotFoundError when the course was never seen
 */
export async function readStudents(
  db: Queryable,
  query: z.output<typeof studentsQuery>,
): Promise<Page<StudentInCourse>> {
  const [afterStudent, afterCourse] = query.cursor === undefined ? [0, 0] : decodeCursor(studentsCursor, query.cursor);
  const course = query.courseId === undefined ? undefined : await findEntity(db, 'course', query.courseId);
  const rows =
    course === undefined
      ? await db.query<StudentRow>(sql.students_page, [afterStudent, afterCourse, query.limit + 1])
      : await db.query<StudentRow>(sql.students_of_course_page, [afterStudent, course.id, query.limit + 1]);
  return cutPage(rows.map(present), query.limit, (row) => [row.id, row.courseId]);
}

const present = (row: StudentRow): StudentInCourse => ({
  id: row.student_id,
  source_id: row.source_id,
  courseId: row.course_id,
  engagement: decimal(row.engagement_score),
  successRate: decimal(row.success_rate),
});
