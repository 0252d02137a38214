-- Runs that nobody will begin again: cancelled before they began, or their process gone with nothing left to try.
SELECT run_id, attempts, cancel_requested
FROM state.pipeline_run
WHERE status IN ('queued', 'running')
  AND CASE status WHEN 'queued' THEN cancel_requested
    ELSE lease_until <= clock_timestamp() AND (cancel_requested OR attempts >= $1) END
