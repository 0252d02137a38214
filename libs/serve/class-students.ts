import { z } from 'zod';
import type { Uuid } from '#libs/domain/change.ts';
import { OWN_PAST_FLAGS } from '#libs/domain/flags.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { day, decimalToNumber, ourId, scaled, sourceId } from './answers.ts';
import { anomalyColumns, engagementColumns, performanceColumns, temporalColumns } from './feature-columns.ts';
import { findEntity } from './identity.ts';
import { cutPage, idAfter, type Page } from './paging.ts';
import { pagingBy } from './parameters.ts';
import { sql } from './statements.ts';

export const classStudentsQuery = z.strictObject(pagingBy(1_000, 5_000));

/** Length of the curve: four weeks. */
const CURVE_DAYS = 28;

export const classStudentsAnswer = z.array(
  z
    .strictObject({
      student_id: ourId,
      student_source_id: sourceId,
      as_of: day.meta({ description: 'The day that the values speak for' }),
      engagement_score: engagementColumns.engagement_score,
      days_inactive: engagementColumns.days_inactive,
      active_days_30d: engagementColumns.active_days_30d,
      avg_grade: performanceColumns.avg_grade,
      success_rate: performanceColumns.success_rate,
      attention: anomalyColumns.attention,
      flags: z.array(z.enum(OWN_PAST_FLAGS)).meta({ description: 'Open flags against the own past, sorted' }),
      engagement_ma7: z
        .array(temporalColumns.engagement_ma7)
        .meta({ description: `Of the last ${CURVE_DAYS} days, oldest first; shorter for who came later` }),
    })
    .meta({ id: 'ClassStudent' }),
);
export type ClassStudent = z.output<typeof classStudentsAnswer>[number];

interface ClassStudentRow extends Pick<ClassStudent, 'days_inactive' | 'active_days_30d' | 'attention' | 'flags'> {
  readonly student_id: number;
  readonly student_source_id: Uuid;
  readonly as_of: string;
  readonly engagement_score: string | null;
  readonly avg_grade: string | null;
  readonly success_rate: string | null;
  readonly engagement_ma7: readonly (number | null)[] | null;
}

/**
 * The students of a course with what a table of the class shows, ordered by student.
 * @throws NotFoundError when the course was never seen
 */
export async function readClassStudents(
  db: Queryable,
  courseId: string,
  query: z.output<typeof classStudentsQuery>,
): Promise<Page<ClassStudent>> {
  const after = idAfter(query.cursor);
  const course = await findEntity(db, 'course', courseId);
  const rows = await db.query<ClassStudentRow>(sql.class_students_page, [
    course.id,
    after,
    query.limit + 1,
    CURVE_DAYS,
  ]);
  const page = cutPage(rows, query.limit, (row) => [row.student_id]);
  return { rows: page.rows.map(presentStudent), next: page.next };
}

const presentStudent = (row: ClassStudentRow): ClassStudent => ({
  ...row,
  engagement_score: decimalToNumber(row.engagement_score),
  avg_grade: decimalToNumber(row.avg_grade),
  success_rate: decimalToNumber(row.success_rate),
  engagement_ma7: (row.engagement_ma7 ?? []).map((value) => scaled(value, 100)),
});
