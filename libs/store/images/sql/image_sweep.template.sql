-- Rows brought neither by the complete snapshot of epoch $1 nor by any change since are gone from the source.
WITH gone AS (
  UPDATE state.image_{{table}} SET live = false, epoch = $1::integer, lsn = 0, xid = NULL WHERE live AND epoch < $1::integer
  RETURNING id{{keyColumns}}
)
SELECT id{{keyColumns}} FROM gone
