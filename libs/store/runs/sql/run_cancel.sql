UPDATE state.pipeline_run SET cancel_requested = true
WHERE run_id = $1 AND status IN ('queued', 'running')
RETURNING run_id
