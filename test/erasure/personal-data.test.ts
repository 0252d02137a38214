import { afterAll, beforeAll, expect, test } from 'vitest';
import { ERASURES, PERSONAL_DATA } from '#libs/store/erasure/personal-data.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';

/**
 * Tables without any column about a student, with all their columns. Whoever adds a table or a column decides: if it can
 * name a student, by whatever id, or say something about one, it belongs in PERSONAL_DATA.
 */
const IMPERSONAL: Readonly<Record<string, string>> = {
  'public.course': 'course_id source_id first_seen_at',
  'public.schema_version': 'version name applied_at',
  'public.stream_progress': 'stream epoch applied phase origin committed_at updated_at last_record snapshot_staged',
  'state.calendar': 'only_row today',
  'state.connector': 'name epoch state detail slot retained_bytes safe_bytes restarts heard_at updated_at',
  // Numbers of the class, and the work expected of it.
  'state.course_class': 'course_id first_day attending usual sources expected grades',
  'state.course': 'course_id version covered_from first_fact last_fact as_of',
  'state.epoch': 'epoch stream origin reason begun_at reader resumed_at',
  'state.erasure_salt': 'only_row salt',
  'state.feature_topic': 'topic complete_since',
  'state.floor': 'source_table epoch lsn',
  'state.image_courses': 'id epoch lsn live toast xid fullname shortname',
  'state.instance': 'instance_id roles intake host pid started_at heard_at troubles staged source streamed changed',
  'state.rejected_total': 'source_table reason total',
  'state.schedule': 'pattern since',
  'state.schema_view': 'id name sha256 applied_at',
  // EXCLUDED_STUDENTS is among the settings: a student named there must be removed from it before an erasure.
  'state.settled': 'source_table epoch lsn',
  'state.settings': 'only_row fingerprint described adopted_at features feature_version',
  'state.stream_gap': 'stream epoch said noticed_at',
  'state.topic': 'source_table topic partitions',
};

let database: TestDatabase;

beforeAll(async () => {
  database = await createAnalyticsDatabase('personal_data');
});
afterAll(() => database.drop());

test('each table of the schema is either erased from, or says nothing of a student, column by column', async () => {
  const rows = await database.db.query<{ name: string; columns: string }>(
    `SELECT n.nspname || '.' || c.relname AS name, string_agg(a.attname, ' ' ORDER BY a.attnum) AS columns
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
     WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
       AND a.attnum > 0 AND NOT a.attisdropped
     GROUP BY 1`,
  );
  const declared = new Set([...PERSONAL_DATA.map(({ table }) => table), ...ERASURES]);
  const others = rows.filter(({ name }) => !declared.has(name));
  expect(Object.fromEntries(others.map(({ name, columns }) => [name, columns]))).toEqual(IMPERSONAL);
  expect([...declared].filter((name) => !rows.some((row) => row.name === name))).toEqual([]);
});

test('a table of which only some rows, or parts of rows, go is no place for a new column that nobody has looked at', async () => {
  // Their conditions use these columns. All other tables of PERSONAL_DATA are searched by the student's id, and lose whole rows.
  const known: Readonly<Record<string, string>> = {
    rejected_change: 'origin source_table source_id epoch lsn reason payload rejected_at',
    pipeline_logs:
      'run_id pipeline_name status records_processed records_failed error_message started_at completed_at duration_seconds details',
    pipeline_run:
      'run_id mode scope dry_run requested_by scheduled_for status requested_at started_at finished_at attempts next_attempt_at lease_owner lease_until progress cancel_requested reason',
    split_move: 'source_table epoch lsn old_id new_id',
    image_students: 'id epoch lsn live toast xid firstname lastname',
    image_enrollments: 'id epoch lsn live toast student_id course_id enrolled_at xid',
    image_grades: 'id epoch lsn live toast student_id course_id grade_item grade_value grade_max timestamp xid',
    image_activity_logs:
      'id epoch lsn live toast student_id course_id activity_type resource_id duration_seconds timestamp metadata xid',
  };
  const rows = await database.db.query<{ name: string; columns: string }>(
    `SELECT c.relname::text AS name, string_agg(a.attname, ' ' ORDER BY a.attnum) AS columns
     FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
     WHERE c.relname = ANY ($1::text[]) AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped GROUP BY 1`,
    [Object.keys(known)],
  );
  expect(Object.fromEntries(rows.map(({ name, columns }) => [name, columns]))).toEqual(known);
});
