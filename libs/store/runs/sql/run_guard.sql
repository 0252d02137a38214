-- The lock lets renewals pass and keeps others from claiming the run. The timeout releases it if the process freezes.
SELECT set_config('idle_in_transaction_session_timeout', $3, true)
FROM state.pipeline_run
WHERE run_id = $1 AND lease_owner = $2 AND status = 'running' AND NOT cancel_requested
FOR KEY SHARE
