WITH gone AS (
  DELETE FROM activity_logs
  WHERE id IN (SELECT id FROM activity_logs WHERE course_id = $1 LIMIT $2)
  RETURNING 1
)
SELECT count(*)::integer AS rows FROM gone
