-- The lock lets renewals pass and keeps others from taking the run. It has to end when its process freezes, hence the limit.
SELECT set_config('idle_in_transaction_session_timeout', $3, true)
FROM state.pipeline_run
WHERE run_id = $1 AND lease_owner = $2 AND status = 'running' AND NOT cancel_requested
FOR KEY SHARE
