-- The records lost in the gap are covered by the snapshot of an epoch begun since.
WITH newest AS (
  SELECT max(epoch) AS epoch FROM state.epoch WHERE stream = $4
), closed AS (
  DELETE FROM state.stream_gap AS gap USING newest
  WHERE gap.stream = $1 AND gap.epoch < newest.epoch
  RETURNING gap.stream, newest.epoch
)
UPDATE stream_progress AS known
SET epoch = closed.epoch, applied = $2::bigint, last_record = NULL, origin = $3, updated_at = now()
FROM closed WHERE known.stream = closed.stream
RETURNING known.stream, known.epoch, known.applied, known.last_record AS "lastRecord", known.origin
