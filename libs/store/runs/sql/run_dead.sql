-- Runs that nobody will begin again: cancelled while queued, or their process is gone and they are cancelled or out of attempts.
SELECT run_id, attempts, cancel_requested
FROM state.pipeline_run
WHERE status IN ('queued', 'running')
  AND CASE status WHEN 'queued' THEN cancel_requested
    ELSE lease_until <= clock_timestamp() AND (cancel_requested OR attempts >= $1) END
