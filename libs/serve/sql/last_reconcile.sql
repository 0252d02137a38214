-- The last reconcile of everything that came to an end by itself.
SELECT run_id, status, completed_at, details -> 'verdict' AS verdict
FROM pipeline_logs
WHERE pipeline_name = 'reconcile' AND status <> 'cancelled'
  AND details -> 'scope' = '{}' AND NOT (details -> 'dry_run')::boolean
ORDER BY completed_at DESC
LIMIT 1
