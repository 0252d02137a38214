-- Several students at once ($1 by our integers, $2 by the source's UUIDs): a row for each of their courses, and one without
-- metrics for a student who has none. The metrics are JSON, so that programs already running serve a column that a later
-- migration adds; instants names the columns whose JSON text is a time in the session's zone.
SELECT
  student.student_id,
  student.source_id,
  of_course.metrics,
  of_course.course_source_id,
  of_course.stale,
  ARRAY(
    SELECT attname::text FROM pg_attribute
    WHERE attrelid = 'student_metrics'::regclass AND attnum > 0 AND NOT attisdropped
      AND atttypid = 'timestamptz'::regtype
  ) AS instants
FROM (
  SELECT student_id, source_id FROM student WHERE student_id = ANY ($1::integer[])
  UNION
  SELECT student_id, source_id FROM student WHERE source_id = ANY ($2::uuid[])
) AS student
LEFT JOIN LATERAL (
  SELECT
    row_to_json(m) AS metrics,
    c.source_id AS course_source_id,
    coalesce(m.as_of_date < course.as_of, false) AS stale,
    m.course_id
  FROM student_metrics AS m
  JOIN course AS c USING (course_id)
  LEFT JOIN state.course AS course USING (course_id)
  WHERE m.student_id = student.student_id
  -- Keeps the planner from joining whole tables first: each student is a handful of rows.
  OFFSET 0
) AS of_course ON true
ORDER BY student.student_id, of_course.course_id
