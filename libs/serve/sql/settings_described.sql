SELECT described FROM state.settings
