-- Rows that could not be read in an older epoch than $2, and were loaded now: $3 still cannot.
DELETE FROM rejected_change
WHERE source_table = $1 AND epoch < $2::integer AND origin <> ALL ($3::text[])
  AND source_id IN (SELECT id FROM pg_temp.incoming)
