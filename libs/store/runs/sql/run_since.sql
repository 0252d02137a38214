-- Whether a scheduled time no longer needs a run: it has one, or somebody has requested a complete reconcile since. Runs for
-- other scheduled times do not count: the schedule goes by the clock of its process, which may have been set back.
SELECT
  coalesce(bool_or(scheduled_for = $1 OR status = 'succeeded'), false) AS settled,
  count(*) > 0 AS answered
FROM state.pipeline_run
WHERE scheduled_for = $1
  OR scheduled_for IS NULL AND requested_at >= $1 AND status IN ('queued', 'running', 'succeeded')
    AND mode = 'reconcile' AND scope = '{}' AND NOT dry_run
