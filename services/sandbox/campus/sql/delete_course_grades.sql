WITH gone AS (
  DELETE FROM grades
  WHERE id IN (SELECT id FROM grades WHERE course_id = $1 LIMIT $2)
  RETURNING 1
)
SELECT count(*)::integer AS rows FROM gone
