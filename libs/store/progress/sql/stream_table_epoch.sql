-- The state of the stream $1, where the table $2 was last truncated, and an open gap in a stream whose name begins with $3.
SELECT progress.epoch, progress.phase, progress.applied, truncated.epoch AS truncate_epoch, truncated.lsn AS truncate_lsn,
  (SELECT said FROM state.stream_gap WHERE starts_with(stream, $3) ORDER BY noticed_at LIMIT 1) AS gap
FROM stream_progress AS progress
LEFT JOIN state.floor AS truncated ON truncated.source_table = $2
WHERE progress.stream = $1
