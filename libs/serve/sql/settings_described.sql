SELECT described, fingerprint, feature_version FROM state.settings
