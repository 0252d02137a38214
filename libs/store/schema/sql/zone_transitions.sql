-- When the clock of the zone $1 moves between the instants $2 and $3, and its offset (local minus UTC) from then on, in
-- seconds; the first row is the offset at the beginning. Postgres has no table of this, so every day is checked, and where the
-- offset changes, every hour, then every minute and every second.
WITH RECURSIVE span (low, high, step) AS (
  SELECT $2::timestamptz, $3::timestamptz, 86400
  UNION ALL
  SELECT found.low, found.high, CASE span.step WHEN 86400 THEN 3600 WHEN 3600 THEN 60 WHEN 60 THEN 1 ELSE 0 END
  FROM span
  CROSS JOIN LATERAL (
    SELECT lag(t) OVER in_time AS low, t AS high, t AT TIME ZONE $1 - t AT TIME ZONE 'UTC' AS shift,
      lag(t AT TIME ZONE $1 - t AT TIME ZONE 'UTC') OVER in_time AS shift_before
    FROM generate_series(span.low, span.high, make_interval(secs => span.step)) AS t
    WINDOW in_time AS (ORDER BY t)
  ) AS found
  WHERE span.step > 0 AND found.shift <> found.shift_before
)
SELECT extract(epoch FROM at)::bigint AS at, extract(epoch FROM at AT TIME ZONE $1 - at AT TIME ZONE 'UTC')::integer AS shift
FROM (SELECT $2::timestamptz AS at UNION ALL SELECT high FROM span WHERE step = 0) AS moved
ORDER BY at
