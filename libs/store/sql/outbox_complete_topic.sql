INSERT INTO state.feature_topic (topic) VALUES ($1) ON CONFLICT (topic) DO NOTHING
