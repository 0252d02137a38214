-- The newest epoch of the stream $1, if its initial snapshot is over, it was not the first, and no complete reconcile requested
-- since it began has succeeded; and how those requested since have ended. The first run for an epoch has the epoch's beginning,
-- in milliseconds, as its scheduled_for. After a failure the next is due a minute later, and each further one twice as late.
SELECT epoch.epoch, begun.at AS begun_at, tried.last_status, tried.due_at,
  CASE tried.last_status WHEN 'failed' THEN tried.due_at <= clock_timestamp() ELSE tried.last_status IS NULL END AS is_due
FROM stream_progress AS progress
JOIN state.epoch AS epoch USING (stream, epoch)
CROSS JOIN LATERAL (SELECT date_trunc('milliseconds', epoch.begun_at) AS at) AS begun
CROSS JOIN LATERAL (
  SELECT
    coalesce(bool_or(run.status = 'succeeded'), false) AS succeeded,
    (array_agg(run.status ORDER BY run.requested_at DESC))[1] AS last_status,
    max(run.finished_at) + interval '1 minute' * 2 ^ least(count(*) FILTER (WHERE run.status = 'failed') - 1, 6) AS due_at
  FROM state.pipeline_run AS run
  WHERE run.scheduled_for = begun.at
    OR run.requested_at >= epoch.begun_at AND run.mode = 'reconcile' AND run.scope = '{}' AND NOT run.dry_run
) AS tried
WHERE progress.stream = $1 AND progress.phase = 'streaming'
  AND EXISTS (SELECT FROM state.epoch AS older WHERE older.epoch < epoch.epoch)
  AND NOT tried.succeeded
