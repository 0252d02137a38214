-- Locked in order, since two processes may hold the same partitions for a moment; and only ever forward.
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS given (stream, epoch, applied)
), locked AS (
  SELECT known.stream, given.applied FROM stream_progress AS known JOIN given USING (stream, epoch)
  ORDER BY known.stream FOR UPDATE OF known
)
UPDATE stream_progress AS known
SET applied = greatest(known.applied, locked.applied),
    committed_at = greatest(known.committed_at, to_timestamp($4::double precision / 1000.0)),
    updated_at = now()
FROM locked WHERE locked.stream = known.stream
