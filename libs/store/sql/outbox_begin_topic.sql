-- The topic is a new one, which nothing was ever told to.
WITH incomplete AS (DELETE FROM state.feature_topic WHERE topic = $1)
DELETE FROM state.published WHERE topic = $1
