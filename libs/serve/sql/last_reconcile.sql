-- The last reconcile with everything in its scope that was not cancelled; dry runs do not count.
SELECT run_id, status, completed_at, details -> 'verdict' AS verdict
FROM pipeline_logs
WHERE pipeline_name = 'reconcile' AND status <> 'cancelled'
  AND details -> 'scope' = '{}' AND NOT (details -> 'dry_run')::boolean
ORDER BY completed_at DESC
LIMIT 1
