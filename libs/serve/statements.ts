import { loadStatements } from '#libs/platform/postgres/database.ts';

export const sql = loadStatements(new URL('./sql/', import.meta.url), [
  'alive',
  'course_by_id',
  'course_by_source_id',
  'course_metrics',
  'engagement_trends_page',
  'freshness_marks',
  'freshness_rows',
  'freshness_streams',
  'freshness_today',
  'outbox_waiting',
  'rejected_page',
  'rejected_totals',
  'rejected_waiting',
  'student_by_id',
  'student_by_source_id',
  'student_metrics',
  'students_of_course_page',
  'students_page',
  'temporal_page',
  'trajectory',
]);
