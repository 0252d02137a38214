-- Removes the images that a truncate at ($1, $2) has deleted; returns the keys of the live ones.
WITH gone AS (
  DELETE FROM state.image_{{table}} WHERE (epoch, lsn) < ($1::integer, $2::bigint)
  RETURNING live{{keyColumns}}
)
SELECT DISTINCT {{keys}} FROM gone WHERE live
