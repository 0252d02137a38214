-- Different feature definitions make the next version, and so do the first ones if nobody knows which there were before.
INSERT INTO state.settings AS stored (fingerprint, described, features) VALUES ($1, $2::jsonb, $3)
ON CONFLICT (only_row) DO UPDATE
SET fingerprint = excluded.fingerprint,
    described = excluded.described,
    features = excluded.features,
    feature_version = stored.feature_version + CASE WHEN stored.features IS DISTINCT FROM excluded.features THEN 1 ELSE 0 END,
    adopted_at = now()
