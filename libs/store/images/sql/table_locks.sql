-- Batches hold their tables' locks shared; a truncate holds its table's lock exclusively. In order of the numbers, so that no
-- two transactions deadlock.
SELECT
  CASE WHEN exclusive THEN pg_advisory_xact_lock($1, number) ELSE pg_advisory_xact_lock_shared($1, number) END
FROM (SELECT * FROM unnest($2::integer[], $3::boolean[]) AS wanted (number, exclusive) ORDER BY number) AS wanted
