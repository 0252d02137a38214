-- Ends its owner's run; without an owner ($2) only a queued run, or one whose lease has run out. Writes the log in the same
-- statement.
WITH held AS (
  SELECT run_id FROM state.pipeline_run
  WHERE run_id = $1
    AND CASE WHEN $2::uuid IS NULL THEN status = 'queued' OR status = 'running' AND lease_until <= clock_timestamp()
      ELSE status = 'running' AND lease_owner = $2::uuid END
  FOR UPDATE
), ended AS (
  UPDATE state.pipeline_run AS run
  SET status = $3, reason = $4, finished_at = clock_timestamp(), lease_owner = NULL, lease_until = NULL
  FROM held
  WHERE run.run_id = held.run_id
  RETURNING run.*
)
INSERT INTO pipeline_logs (
  run_id, pipeline_name, status, records_processed, records_failed, error_message, started_at, completed_at,
  duration_seconds, details
)
SELECT run_id, mode, status, $5, $6, reason, started_at, finished_at, extract(epoch FROM finished_at - started_at),
  jsonb_build_object(
    'scope', scope, 'dry_run', dry_run, 'attempts', attempts, 'requested_by', requested_by, 'verdict', $7::text::jsonb
  )
FROM ended
RETURNING run_id
