-- The first day that another family sees for each of these keys; OFFSET 0 keeps this a search key by key.
SELECT k.course_id, k.student_id, k.first_day
FROM unnest($2::integer[], $3::integer[]) AS wanted (course_id, student_id)
CROSS JOIN LATERAL (
  SELECT * FROM state.key
  WHERE family = $1 AND course_id = wanted.course_id AND student_id = wanted.student_id AND first_day IS NOT NULL
  OFFSET 0
) AS k
