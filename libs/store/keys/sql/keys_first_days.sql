-- The first day that another family sees for each of these keys.
SELECT k.course_id, k.student_id, k.first_day
FROM unnest($2::integer[], $3::integer[]) AS wanted (course_id, student_id)
JOIN state.key AS k ON k.family = $1 AND k.course_id = wanted.course_id AND k.student_id = wanted.student_id
WHERE k.first_day IS NOT NULL
