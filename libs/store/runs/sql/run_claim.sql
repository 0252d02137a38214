-- Locks like a deletion, FOR UPDATE: so it skips a run that is just being renewed, or whose process has a guarded transaction
-- open (run_guard).
UPDATE state.pipeline_run
SET status = 'running',
  attempts = attempts + 1,
  lease_owner = $1,
  lease_until = clock_timestamp() + make_interval(secs => $2),
  started_at = coalesce(started_at, clock_timestamp()),
  progress = NULL,
  reason = CASE WHEN status = 'running' THEN format('attempt %s ended without a word', attempts) ELSE reason END
WHERE run_id = (
  SELECT run_id FROM state.pipeline_run
  WHERE status IN ('queued', 'running')
    AND ($3::uuid IS NULL OR run_id = $3::uuid)
    AND CASE status WHEN 'queued' THEN next_attempt_at ELSE lease_until END <= clock_timestamp()
    AND NOT cancel_requested
    AND attempts < $4
  LIMIT 1
  FOR UPDATE SKIP LOCKED
)
RETURNING run_id, mode, scope, dry_run, attempts
