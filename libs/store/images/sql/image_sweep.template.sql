-- Rows that a whole snapshot of epoch $1 did not bring, and nothing since, are gone from the source.
WITH gone AS (
  UPDATE state.image_{{table}} SET live = false, epoch = $1::integer, lsn = 0, xid = NULL WHERE live AND epoch < $1::integer
  RETURNING id{{keyColumns}}
)
SELECT id{{keyColumns}} FROM gone
