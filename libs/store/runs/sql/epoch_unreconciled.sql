-- The epoch of the stream $1, if its initial snapshot is over, it was not the first, no run was requested for it, and no
-- complete reconcile requested since it began has succeeded. A run is for an epoch if its scheduled_for is the epoch's
-- beginning, in milliseconds, as it is stored.
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
