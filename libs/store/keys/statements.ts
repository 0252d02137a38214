import { openStatements } from '../statements.ts';

/** Statements on keys, courses, marks and the calendar. */
export const { sql: keySql, fillTemplate: fillKeyTemplate } = openStatements(
  import.meta.url,
  [
    'course_keys',
    'course_mark_keys',
    'course_marks_add',
    'course_marks_all',
    'course_marks_take',
    'course_update',
    'courses_add',
    'courses_at_rest',
    'courses_claim',
    'courses_new',
    'courses_next',
    'courses_read',
    'erased_among',
    'identity_add_courses',
    'identity_add_students',
    'identity_find',
    'identity_source',
    'key_marks_take',
    'keys_add',
    'keys_claim',
    'keys_first_days',
    'keys_next',
    'keys_restore',
    'keys_update',
    'marks_add',
    'reconcile_count',
    'reconcile_course_marks',
    'reconcile_keys',
    'reconcile_students',
  ],
  {
    /** Today goes back only by calendar_take_back. */
    calendar_advance: 'UPDATE state.calendar SET today = $1::date WHERE today < $1::date RETURNING today',
    calendar_begin: 'INSERT INTO state.calendar (today) VALUES ($1::date) ON CONFLICT (only_row) DO NOTHING',
    calendar_hold: 'SELECT pg_advisory_xact_lock($1, $2)',
    /** Every derivation holds this lock shared; the rollover takes it exclusively. */
    calendar_share:
      "SELECT pg_advisory_xact_lock_shared($1, $2), EXISTS (SELECT FROM stream_progress WHERE phase = 'snapshot') AS in_snapshot",
    /** Only for an operator or another zone: a clock may be wrong, and going back costs a derivation of everything. */
    calendar_take_back: 'UPDATE state.calendar SET today = $1::date WHERE today > $1::date RETURNING today',
    /** The day, and the fingerprint of the settings that every writer has to have. */
    calendar_today: 'SELECT today, (SELECT fingerprint FROM state.settings) AS fingerprint FROM state.calendar',
    course_is_marked: 'SELECT FROM state.course_mark WHERE course_id = $1::integer LIMIT 1',
    /** Has the class derived once the keys are. */
    course_mark_class:
      'INSERT INTO state.course_mark (course_id, awaited, of_class) VALUES ($1::integer, $2::boolean, true)',
    /** The new version shows that a key was derived with the previous class. */
    course_new_class: 'UPDATE state.course SET version = version + 1 WHERE course_id = $1',
    /** The marks that were taken named rows that nobody has read, so next time all rows are read. */
    key_set_aside:
      'UPDATE state.key SET set_aside = $4, folded = NULL, owner = NULL WHERE family = $1 AND course_id = $2::integer AND student_id = $3::integer',
    /** Has the keys that are set aside tried once more. */
    keys_retry:
      'INSERT INTO state.key_mark (family, course_id, student_id, priority) SELECT family, course_id, student_id, 2 FROM state.key WHERE family = $1 AND set_aside IS NOT NULL',
    /** Without erased students, who are no longer there. */
    students_there: 'SELECT student_id FROM student WHERE student_id = ANY ($1::integer[])',
    reconcile_class_courses:
      'SELECT course_id FROM state.course WHERE $1::integer IS NULL OR course_id = $1::integer ORDER BY course_id',
    /** The first statement of a transaction that should read everything as of one moment. */
    reconcile_snapshot: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY',
    /** Marks keys with a row that was in the future and no longer is. */
    rollover_mark_keys:
      "INSERT INTO state.key_mark (family, course_id, student_id, priority, new_rows) SELECT family, course_id, student_id, 2, '{}' FROM state.key WHERE next_day <= $1::integer",
  },
);
