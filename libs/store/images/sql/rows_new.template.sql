-- The rows named by marks that are live and still belong to the key.
SELECT new.key, {{copied}} AS copied{{columns}}
FROM unnest($1::integer[], $2::integer[], $3::integer[], $4::uuid[]) AS new (course_id, student_id, key, id)
CROSS JOIN LATERAL (
  SELECT * FROM state.image_{{table}}
  WHERE id = new.id AND student_id = new.student_id AND course_id = new.course_id AND live
  OFFSET 0
) AS i
