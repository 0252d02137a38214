-- The epoch of the stream $1, while none of its initial snapshot is under way, that had others before it, was given no run, and
-- since whose beginning no whole reconcile was asked for that succeeded. Runs are given to it by when it began: to the millisecond, as they are kept.
SELECT epoch.epoch, date_trunc('milliseconds', epoch.begun_at) AS begun_at
FROM stream_progress AS progress
JOIN state.epoch AS epoch USING (stream, epoch)
WHERE progress.stream = $1 AND progress.phase = 'streaming'
  AND EXISTS (SELECT FROM state.epoch AS older WHERE older.epoch < epoch.epoch)
  AND NOT EXISTS (
    SELECT FROM state.pipeline_run AS run
    WHERE run.scheduled_for = date_trunc('milliseconds', epoch.begun_at)
      OR run.requested_at >= epoch.begun_at AND run.status = 'succeeded'
        AND run.mode = 'reconcile' AND run.scope = '{}' AND NOT run.dry_run
  )
