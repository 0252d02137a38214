-- Held by whoever derives; the rollover takes the same lock for itself.
SELECT pg_advisory_xact_lock_shared($1, $2)
