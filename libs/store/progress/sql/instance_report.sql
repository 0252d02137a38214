INSERT INTO state.instance (instance_id, roles, intake, host, pid, started_at, heard_at, troubles, staged, streamed, changed, source)
VALUES ($1, $2, $3, $4, $5, to_timestamp($6::double precision / 1000.0), now(), $7, $8, $9, $10, $11::text::jsonb)
ON CONFLICT (instance_id) DO UPDATE
SET heard_at = excluded.heard_at, troubles = excluded.troubles, staged = excluded.staged, streamed = excluded.streamed,
    changed = excluded.changed, source = excluded.source
