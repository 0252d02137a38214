INSERT INTO state.connector (name, epoch, state, detail, slot, retained_bytes, safe_bytes, restarts, heard_at)
VALUES ($1, $2::integer, $3, $4, $5, $6::bigint, $7::bigint, $8::integer, to_timestamp($9::double precision / 1000.0))
ON CONFLICT (name) DO UPDATE
SET epoch = excluded.epoch, state = excluded.state, detail = excluded.detail, slot = excluded.slot,
    retained_bytes = excluded.retained_bytes, safe_bytes = excluded.safe_bytes, restarts = excluded.restarts,
    heard_at = coalesce(excluded.heard_at, connector.heard_at), updated_at = now()
