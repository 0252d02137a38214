-- The newest epoch of the stream $1, if its initial snapshot is over, it was not the first or was resumed in the midst of a
-- transaction, and no complete reconcile requested since then has succeeded; and how those requested since have ended. The first
-- run has that moment, in milliseconds, as its scheduled_for. After a failure the next is due a minute later, and each further
-- one twice as late. After a resumption it is due in a minute, and not within an hour of the last that this epoch had.
WITH complete AS (
  SELECT status, scheduled_for, requested_at, finished_at FROM state.pipeline_run
  WHERE mode = 'reconcile' AND scope = '{}' AND NOT dry_run
)
SELECT epoch.epoch, epoch.resumed_at IS NOT NULL AS resumed, since.at AS since, tried.last_status, due.at AS due_at,
  coalesce(tried.last_status = 'failed', true) AND due.at <= clock_timestamp() AS is_due
FROM stream_progress AS progress
JOIN state.epoch AS epoch USING (stream, epoch)
CROSS JOIN LATERAL (SELECT coalesce(epoch.resumed_at, epoch.begun_at) AS at) AS exactly
CROSS JOIN LATERAL (SELECT date_trunc('milliseconds', exactly.at) AS at) AS since
CROSS JOIN LATERAL (
  SELECT
    coalesce(bool_or(status = 'succeeded'), false) AS succeeded,
    (array_agg(status ORDER BY requested_at DESC))[1] AS last_status,
    max(finished_at) + interval '1 minute' * 2 ^ least(count(*) FILTER (WHERE status = 'failed') - 1, 6) AS next_at
  FROM complete WHERE scheduled_for = since.at OR requested_at >= exactly.at
) AS tried
CROSS JOIN LATERAL (
  SELECT max(requested_at) + interval '1 hour' AS over_at
  FROM complete WHERE requested_at >= epoch.begun_at AND status = 'succeeded'
) AS rest
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN tried.last_status IS NOT NULL THEN tried.next_at
    WHEN epoch.resumed_at IS NOT NULL THEN greatest(since.at + interval '1 minute', rest.over_at)
    ELSE since.at
  END AS at
) AS due
WHERE progress.stream = $1 AND progress.phase = 'streaming'
  AND (epoch.resumed_at IS NOT NULL OR EXISTS (SELECT FROM state.epoch AS older WHERE older.epoch < epoch.epoch))
  AND NOT tried.succeeded
