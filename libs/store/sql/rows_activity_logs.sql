-- OFFSET 0 keeps this an index lookup per key, whatever the planner thinks of the table's size.
SELECT i.*
FROM unnest($1::integer[], $2::integer[]) AS k (course_id, student_id)
CROSS JOIN LATERAL (
  SELECT student_id, course_id, activity_type, resource_id, duration_seconds, "timestamp"::text, metadata
  FROM state.image_activity_logs WHERE student_id = k.student_id AND course_id = k.course_id AND live
  OFFSET 0
) AS i
