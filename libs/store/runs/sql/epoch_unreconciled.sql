-- The newest epoch of the stream $1, if its initial snapshot is over, it was not the first or was resumed in the midst of a
-- transaction, and no complete reconcile requested since then has succeeded; and how those requested since have ended. The first
-- run has that moment, in milliseconds, as its scheduled_for. After a failure the next is due a minute later, and each further
-- one twice as late. After a resumption it is due in a minute, and not within an hour of the last that this epoch had.
SELECT epoch.epoch, since.resumed, since.at AS since, tried.last_status, due.at AS due_at,
  coalesce(tried.last_status = 'failed', true) AND due.at <= clock_timestamp() AS is_due
FROM stream_progress AS progress
JOIN state.epoch AS epoch USING (stream, epoch)
CROSS JOIN LATERAL (
  SELECT epoch.resumed_at IS NOT NULL AS resumed, coalesce(epoch.resumed_at, epoch.begun_at) AS exactly,
    date_trunc('milliseconds', coalesce(epoch.resumed_at, epoch.begun_at)) AS at
) AS since
CROSS JOIN LATERAL (
  SELECT
    coalesce(bool_or(run.status = 'succeeded'), false) AS succeeded,
    (array_agg(run.status ORDER BY run.requested_at DESC))[1] AS last_status,
    max(run.finished_at) + interval '1 minute' * 2 ^ least(count(*) FILTER (WHERE run.status = 'failed') - 1, 6) AS due_at
  FROM state.pipeline_run AS run
  WHERE run.scheduled_for = since.at
    OR run.requested_at >= since.exactly AND run.mode = 'reconcile' AND run.scope = '{}' AND NOT run.dry_run
) AS tried
CROSS JOIN LATERAL (
  SELECT max(run.requested_at) + interval '1 hour' AS at
  FROM state.pipeline_run AS run
  WHERE run.requested_at >= epoch.begun_at AND run.mode = 'reconcile' AND run.scope = '{}' AND NOT run.dry_run
    AND run.status = 'succeeded'
) AS rested
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN tried.last_status IS NOT NULL THEN tried.due_at
    WHEN since.resumed THEN greatest(since.at + interval '1 minute', rested.at)
    ELSE since.at
  END AS at
) AS due
WHERE progress.stream = $1 AND progress.phase = 'streaming'
  AND (since.resumed OR EXISTS (SELECT FROM state.epoch AS older WHERE older.epoch < epoch.epoch))
  AND NOT tried.succeeded
