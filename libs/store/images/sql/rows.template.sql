-- Live rows of keys, grouped by key. OFFSET 0 keeps this an index lookup per key, whatever the planner thinks of the table's
-- size.
{{declare}}SELECT k.n::integer AS key, {{copied}} AS copied{{columns}}
FROM unnest($1::integer[], $2::integer[]) WITH ORDINALITY AS k (course_id, student_id, n)
CROSS JOIN LATERAL (
  SELECT * FROM state.image_{{table}} WHERE student_id = k.student_id AND course_id = k.course_id AND live{{which}}
  OFFSET 0
) AS i{{limit}}
