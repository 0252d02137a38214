import { z } from 'zod';
import type { Uuid } from '#libs/domain/change.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { day, instant, isoInstant, known } from './answers.ts';
import { findEntity } from './identity.ts';
import { entityId } from './parameters.ts';
import { sql } from './statements.ts';

export const studentMetricsParams = z.strictObject({
  id: entityId.meta({ description: 'The student: our integer, or the UUID of the source' }),
});

const component = z.object({
  value: z.number(),
  target: z.number(),
  weight: z.number(),
  covered: z.boolean(),
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
      enrolled_at: known(instant, 'Earliest enrolment'),
      events_count: known(z.int(), 'Events ever'),
      active_days_count: known(z.int(), 'Days with an event or completion, ever'),
      login_count: known(z.int(), 'Logins ever'),
      login_count_7d: known(z.int(), 'Logins in the 7 days ending as of'),
      active_days_7d: known(z.int(), 'Active days among the 7 ending as of'),
      active_days_30d: known(z.int(), 'Active days among the 30 ending as of'),
      last_activity_at: known(instant, 'Latest event or completion'),
      days_inactive: known(z.int(), 'Days since the last active day, counted to 90'),
      engagement_score: known(z.number(), '0 to 100, over the components that the course covers'),
      engagement_components: known(z.record(z.string(), component.partial().loose()), 'What the score is made of'),
      avg_grade: known(z.number(), 'Mean of the normalised grades, 0 to 100'),
      latest_grade: known(z.number(), 'The normalised grade of the last graded item'),
      graded_items: known(z.int(), 'Graded items'),
      engagement_as_of_date: known(day, 'The day that the engagement features speak for'),
      performance_as_of_date: known(day, 'The day that the performance features speak for'),
      as_of_date: known(day, 'The earliest of these days'),
      engagement_source_position: known(z.string(), 'epoch:LSN of the change that last moved them'),
      performance_source_position: known(z.string(), 'epoch:LSN of the change that last moved them'),
      source_committed_at: known(instant, 'When the latest of these changes was committed at the source'),
      updated_at: known(instant, 'When the row was last computed'),
      feature_version: known(z.int(), 'Version of the definitions'),
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
