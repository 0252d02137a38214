-- A lease that has run out can still be renewed, as long as nobody else has claimed the run.
UPDATE state.pipeline_run
SET lease_until = clock_timestamp() + make_interval(secs => $3), progress = coalesce($4::text::jsonb, progress)
WHERE run_id = $1 AND lease_owner = $2 AND status = 'running'
RETURNING cancel_requested
