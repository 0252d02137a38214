WITH gone AS (
  DELETE FROM enrollments
  WHERE id IN (SELECT id FROM enrollments WHERE course_id = $1 LIMIT $2)
  RETURNING 1
)
SELECT count(*)::integer AS rows FROM gone
