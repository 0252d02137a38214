-- Deletes runs that ended more than $1 days ago, and their logs. The newest run and the newest complete reconcile that
-- succeeded stay: they show the current state, and whether a scheduled time has had its run.
WITH kept AS (
  (SELECT run_id FROM state.pipeline_run ORDER BY requested_at DESC LIMIT 1)
  UNION ALL
  (
    SELECT run_id FROM state.pipeline_run
    WHERE status = 'succeeded' AND mode = 'reconcile' AND scope = '{}' AND NOT dry_run
    ORDER BY finished_at DESC
    LIMIT 1
  )
), old AS (
  DELETE FROM state.pipeline_run
  WHERE finished_at < clock_timestamp() - make_interval(days => $1::integer) AND run_id NOT IN (SELECT run_id FROM kept)
  RETURNING run_id
), logs AS (
  DELETE FROM pipeline_logs
  WHERE completed_at < clock_timestamp() - make_interval(days => $1::integer) AND run_id NOT IN (SELECT run_id FROM kept)
)
SELECT count(*)::integer AS rows FROM old
