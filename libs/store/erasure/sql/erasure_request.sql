-- Nothing where the student is being erased already.
INSERT INTO state.erasure (source_id, requested_by, reason)
VALUES ($1, $2, $3)
ON CONFLICT (source_id) WHERE source_id IS NOT NULL DO NOTHING
RETURNING erasure_id
