-- Courses, each with the number of keys it may have: those derived, and those marked for it.
SELECT course_id, (
  SELECT count(*) FROM (
    SELECT student_id FROM state.key WHERE course_id = c.course_id AND family IN ('engagement', 'performance')
    UNION
    SELECT student_id FROM state.key_mark WHERE course_id = c.course_id AND family IN ('engagement', 'performance')
  ) AS known
)::integer AS keys
FROM course AS c
WHERE $1::integer[] IS NULL OR course_id = ANY ($1::integer[])
ORDER BY course_id
