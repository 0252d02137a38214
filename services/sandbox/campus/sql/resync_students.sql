WITH touched AS (
  UPDATE students
  SET updated_at = $2
  WHERE $1::uuid IS NULL OR id IN (SELECT student_id FROM enrollments WHERE course_id = $1)
  RETURNING 1
)
SELECT count(*)::integer AS rows FROM touched
