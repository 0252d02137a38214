SELECT fingerprint, described FROM state.settings
