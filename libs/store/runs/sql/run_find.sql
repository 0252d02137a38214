-- The run with this id; without an id the one that is queued or running, else the newest.
SELECT run.run_id, run.mode, run.scope, run.dry_run, run.requested_by, run.scheduled_for, run.status, run.requested_at,
  run.started_at, run.finished_at, run.attempts, run.next_attempt_at, run.progress, run.cancel_requested, run.reason,
  log.records_processed, log.records_failed, log.details -> 'verdict' AS verdict
FROM state.pipeline_run AS run
LEFT JOIN pipeline_logs AS log USING (run_id)
WHERE run.run_id = coalesce($1::uuid, (
  SELECT newest.run_id FROM state.pipeline_run AS newest
  ORDER BY newest.finished_at IS NULL DESC, newest.requested_at DESC
  LIMIT 1
))
