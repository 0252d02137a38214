-- OFFSET 0 keeps this an index lookup per key, whatever the planner thinks of the table's size.
SELECT f.student_id, f.course_id, f.as_of_date, f.row_version, f.feature_version,
  {{version}} AS version_in_force{{columns}}
FROM unnest($1::integer[], $2::integer[]) AS k (student_id, course_id)
CROSS JOIN LATERAL (
  SELECT * FROM {{table}} AS stored WHERE stored.student_id = k.student_id AND stored.course_id = k.course_id
  OFFSET 0
) AS f
