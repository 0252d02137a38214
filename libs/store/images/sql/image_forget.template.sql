-- Removes those of the rows $1 that are still tombstones at or below the position ($2, $3).
DELETE FROM state.image_{{table}}
WHERE id = ANY ($1::uuid[]) AND NOT live AND (epoch, lsn) <= ($2::integer, $3::bigint)
RETURNING id
