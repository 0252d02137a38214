import { openStatements } from '../statements.ts';

/** Statements on erasures; `personal-data.ts` declares what is erased. */
export const { sql: erasureSql } = openStatements(
  import.meta.url,
  [
    'erasure_find',
    'erasure_of',
    'erasure_refuse',
    'erasure_removed',
    'erasure_request',
    'erasure_student',
    'erasure_topics',
    'erasure_waits',
  ],
  {
    erasure_course_marks:
      'INSERT INTO state.course_mark (course_id, of_class) SELECT DISTINCT course_id, of_class FROM state.key, unnest(ARRAY[false, true]) AS of_class WHERE student_id = $1::integer ORDER BY course_id',
    /** A run about the student has nothing left to do. */
    erasure_cancel_run:
      "UPDATE state.pipeline_run SET cancel_requested = true WHERE scope ->> 'student_id' = $1::text AND status IN ('queued', 'running')",
    erasure_finish:
      "UPDATE state.erasure SET status = 'finished', finished_at = $2, removed = $3::text::jsonb, student_id = NULL, record = $4, key_id = $5, signature = $6 WHERE erasure_id = $1",
    /** Only one process at a time carries out or finishes an erasure. */
    erasure_hold: 'SELECT status FROM state.erasure WHERE erasure_id = $1 FOR UPDATE',
    erasure_readmit:
      'DELETE FROM state.erased_student WHERE digest = state.student_digest($1::uuid) RETURNING erased_at',
    erasure_salt:
      'INSERT INTO state.erasure_salt (salt) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) ON CONFLICT DO NOTHING',
    erased_recently:
      "SELECT student_id FROM state.erased_student WHERE student_id IS NOT NULL AND erased_at > clock_timestamp() - interval '2 days'",
    erasures_unfinished: "SELECT erasure_id FROM state.erasure WHERE status <> 'finished' ORDER BY requested_at",
    /** The settings name the students who are excluded. */
    erasure_excluded: "SELECT FROM state.settings WHERE described ->> 'EXCLUDED_STUDENTS' LIKE '%' || $1::uuid || '%'",
  },
);
