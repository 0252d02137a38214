INSERT INTO state.schema_view (name, sha256) VALUES ($1, $2) ON CONFLICT DO NOTHING
