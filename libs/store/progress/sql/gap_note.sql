-- The epoch in which the gap was first noted stays: only a newer one closes it. If another process has moved the partition
-- further or restarted it meanwhile, there is no gap: then this returns where the partition stands.
WITH elsewhere AS (
  SELECT stream, epoch, applied, last_record AS "lastRecord", origin FROM stream_progress
  WHERE stream = $1 AND (epoch <> $4::integer OR applied > $5::bigint)
), noted AS (
  INSERT INTO state.stream_gap (stream, epoch, said)
  SELECT $1, coalesce((SELECT max(epoch) FROM state.epoch WHERE stream = $3), 0), $2
  WHERE NOT EXISTS (SELECT FROM elsewhere)
  ON CONFLICT (stream) DO UPDATE SET said = excluded.said
)
SELECT * FROM elsewhere
