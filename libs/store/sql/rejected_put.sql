-- In order of origin, then counted; a row rejected again is counted again only when a newer version of it was.
WITH fresh AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::integer[], $5::bigint[], $6::text[], $7::text[])
    AS fresh (origin, source_table, source_id, epoch, lsn, reason, payload)
), counted AS (
  INSERT INTO state.rejected_total AS known (source_table, reason, total)
  SELECT source_table, reason, count(*) FROM fresh GROUP BY source_table, reason ORDER BY source_table, reason
  ON CONFLICT (source_table, reason) DO UPDATE SET total = known.total + excluded.total
)
INSERT INTO rejected_change AS known (origin, source_table, source_id, epoch, lsn, reason, payload)
SELECT * FROM fresh ORDER BY origin
ON CONFLICT (origin) DO UPDATE
SET epoch = excluded.epoch, lsn = excluded.lsn, reason = excluded.reason, payload = excluded.payload, rejected_at = now()
