SELECT coalesce(max(feature_version), 1) AS version FROM state.settings
