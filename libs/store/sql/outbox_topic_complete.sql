SELECT FROM state.feature_topic WHERE topic = $1
