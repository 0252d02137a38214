-- In order of origin. A row is counted if it is new, in another version, or rejected for another reason; a row that was not
-- staged because of an error of ours keeps that reason until another version comes.
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::integer[], $5::bigint[], $6::text[], $7::text[])
    AS given (origin, source_table, source_id, epoch, lsn, reason, payload)
), fresh AS (
  SELECT given.* FROM given
  LEFT JOIN rejected_change AS known USING (origin)
  WHERE known.origin IS NULL OR (known.epoch, known.lsn) <> (given.epoch, given.lsn)
    OR known.reason NOT IN (given.reason, 'internal_error')
), counted AS (
  INSERT INTO state.rejected_total AS known (source_table, reason, total)
  SELECT source_table, reason, count(*) FROM fresh GROUP BY source_table, reason ORDER BY source_table, reason
  ON CONFLICT (source_table, reason) DO UPDATE SET total = known.total + excluded.total
)
INSERT INTO rejected_change AS known (origin, source_table, source_id, epoch, lsn, reason, payload)
SELECT * FROM fresh ORDER BY origin
ON CONFLICT (origin) DO UPDATE
SET epoch = excluded.epoch, lsn = excluded.lsn, reason = excluded.reason, payload = excluded.payload, rejected_at = now()
