-- OFFSET 0 keeps this an index lookup per key, whatever the planner thinks of the table's size.
SELECT s.student_id, s.course_id, s.first_day{{columns}}
FROM unnest($1::integer[], $2::integer[]) AS k (student_id, course_id)
CROSS JOIN LATERAL (
  SELECT * FROM state.{{family}}_series AS stored
  WHERE stored.student_id = k.student_id AND stored.course_id = k.course_id
  OFFSET 0
) AS s
