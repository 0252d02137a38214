-- Progress only moves forward: within an epoch, and never back to an older one.
UPDATE stream_progress
SET applied = greatest(applied, $3::bigint),
    phase = CASE WHEN $4::boolean THEN 'streaming' ELSE phase END,
    committed_at = coalesce(to_timestamp($5::double precision / 1000.0), committed_at),
    updated_at = now()
WHERE stream = $1 AND epoch = $2::integer
RETURNING stream
