-- Puts a run back into the queue: to begin again after a while, or in another process without counting the attempt.
UPDATE state.pipeline_run
SET status = 'queued',
  lease_owner = NULL,
  lease_until = NULL,
  next_attempt_at = clock_timestamp() + make_interval(secs => $3),
  attempts = attempts - $4,
  reason = coalesce($5, reason)
WHERE run_id = $1 AND lease_owner = $2 AND status = 'running'
RETURNING run_id
