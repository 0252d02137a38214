-- Rows that could not be read in an epoch before $2 and have now been loaded; those in $3 still cannot be read.
DELETE FROM rejected_change
WHERE source_table = $1 AND epoch < $2::integer AND origin <> ALL ($3::text[])
  AND source_id IN (SELECT id FROM pg_temp.incoming)
