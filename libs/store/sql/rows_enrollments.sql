SELECT i.*
FROM unnest($1::integer[], $2::integer[]) AS k (course_id, student_id)
CROSS JOIN LATERAL (
  SELECT student_id, course_id, enrolled_at::text
  FROM state.image_enrollments WHERE student_id = k.student_id AND course_id = k.course_id AND live
  OFFSET 0
) AS i
