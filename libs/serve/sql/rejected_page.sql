-- Newest first; the $3 rows after ($1 microseconds since 1970, $2 origin).
SELECT
  origin, source_table, source_id, epoch, lsn, reason, payload, rejected_at,
  (extract(epoch FROM rejected_at) * 1000000)::bigint AS rejected_us
FROM rejected_change
WHERE (rejected_at, origin) < ('epoch'::timestamptz + $1::bigint * interval '1 microsecond', $2::text)
ORDER BY rejected_at DESC, origin DESC
LIMIT $3::integer
