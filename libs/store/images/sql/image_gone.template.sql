-- Ids of tombstones at or below the position ($2, $3), after the id $1, at most $4.
SELECT id FROM state.image_{{table}}
WHERE id > $1::uuid AND NOT live AND (epoch, lsn) <= ($2::integer, $3::bigint)
ORDER BY id
LIMIT $4::integer
