WITH added AS (
  INSERT INTO enrollments (student_id, course_id, enrolled_at)
  SELECT student_id, course_id, min(enrolled_at)
  FROM enrollments
  WHERE student_id IS NOT NULL AND course_id IS NOT NULL AND ($1::uuid IS NULL OR course_id = $1)
  GROUP BY student_id, course_id
  RETURNING 1
)
SELECT count(*)::integer AS rows FROM added
