INSERT INTO state.settings (fingerprint, described) VALUES ($1, $2::jsonb)
ON CONFLICT (only_row) DO UPDATE SET fingerprint = excluded.fingerprint, described = excluded.described, adopted_at = now()
