-- A lease that has run out can be renewed, too, as long as nobody else took the run.
UPDATE state.pipeline_run
SET lease_until = clock_timestamp() + make_interval(secs => $3), progress = coalesce($4::text::jsonb, progress)
WHERE run_id = $1 AND lease_owner = $2 AND status = 'running'
RETURNING cancel_requested
