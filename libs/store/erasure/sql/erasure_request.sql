-- Returns nothing if the student is already being erased.
INSERT INTO state.erasure (source_id, requested_by, reason)
VALUES ($1, $2, $3)
ON CONFLICT (source_id) WHERE source_id IS NOT NULL DO NOTHING
RETURNING erasure_id
