-- One student ($1) in each course. The row travels as JSON, so that a column added by a later migration is served by
-- programs that are already running; instants names the columns whose JSON text is a time in the session's zone.
SELECT
  row_to_json(m) AS metrics,
  c.source_id AS course_source_id,
  coalesce(m.as_of_date < course.as_of, false) AS stale,
  ARRAY(
    SELECT attname::text FROM pg_attribute
    WHERE attrelid = 'student_metrics'::regclass AND attnum > 0 AND NOT attisdropped
      AND atttypid = 'timestamptz'::regtype
  ) AS instants
FROM student_metrics AS m
JOIN course AS c USING (course_id)
LEFT JOIN state.course AS course USING (course_id)
WHERE m.student_id = $1::integer
ORDER BY m.course_id
