import { z } from 'zod';
import type { Uuid } from '#libs/domain/change.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { isoInstant } from './answers.ts';
import { engagementColumns, performanceColumns, stampColumns } from './feature-columns.ts';
import { findEntity } from './identity.ts';
import { entityId } from './parameters.ts';
import { sql } from './statements.ts';

export const studentMetricsParams = z.strictObject({
  id: entityId.meta({ description: 'The student: our integer, or the UUID of the source' }),
});

/** Columns of the view student_metrics that are described; those that a newer schema adds are served as they are. */
export const studentMetricsAnswer = z.array(
  z
    .object({
      student_id: z.int(),
      student_source_id: z.uuid(),
      course_id: z.int(),
      course_source_id: z.uuid(),
      stale: z.boolean().meta({ description: 'The row speaks for an earlier day than its course does' }),
      ...engagementColumns,
      ...performanceColumns,
      ...stampColumns,
    })
    .catchall(z.json()),
);
export type StudentMetrics = z.output<typeof studentMetricsAnswer>[number];

type Json = z.output<ReturnType<typeof z.json>>;

interface MetricsRow {
  readonly metrics: Readonly<Record<string, Json>>;
  readonly course_source_id: Uuid;
  readonly stale: boolean;
  readonly instants: readonly string[];
}

/**
 * All features of one student, one row per course in order of course_id; none for a student without features.
 * @throws NotFoundError when the student was never seen
 */
export async function readStudentMetrics(db: Queryable, id: string): Promise<StudentMetrics[]> {
  const student = await findEntity(db, 'student', id);
  const rows = await db.query<MetricsRow>(sql.student_metrics, [student.id]);
  return rows.map((row) => present(student.source_id, row));
}

function present(studentSourceId: Uuid, row: MetricsRow): StudentMetrics {
  const { student_id, course_id, ...columns } = row.metrics;
  const features = Object.entries(columns).map(([name, value]) => [
    name,
    typeof value === 'string' && row.instants.includes(name) ? isoInstant(value) : value,
  ]);
  // The view decides which columns there are; a test holds it against the schema above.
  return {
    student_id,
    student_source_id: studentSourceId,
    course_id,
    course_source_id: row.course_source_id,
    stale: row.stale,
    ...Object.fromEntries(features),
  } as StudentMetrics;
}
