-- Locked in order, since two processes may hold the same partitions for a moment; progress never goes back. Returns the
-- partitions that were restarted meanwhile, which stay where they are.
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[]) AS given (stream, epoch, applied, last_record)
), locked AS (
  SELECT known.stream, known.epoch = given.epoch AS holds, given.applied, given.last_record
  FROM stream_progress AS known JOIN given USING (stream)
  ORDER BY known.stream FOR UPDATE OF known
), advanced AS (
  UPDATE stream_progress AS known
  SET applied = greatest(known.applied, locked.applied),
      last_record = CASE WHEN locked.applied > known.applied THEN locked.last_record ELSE known.last_record END,
      committed_at = greatest(known.committed_at, to_timestamp($5::double precision / 1000.0)),
      updated_at = now()
  FROM locked WHERE locked.stream = known.stream AND locked.holds
)
SELECT stream FROM locked WHERE NOT holds
