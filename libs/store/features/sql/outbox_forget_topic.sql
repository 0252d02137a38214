-- Nobody sends any more, so what waits is no news when somebody does again: everything is, then.
WITH forgotten AS (DELETE FROM state.feature_topic WHERE topic = $1),
unpublished AS (DELETE FROM state.published WHERE topic = $1)
DELETE FROM outbox WHERE topic = $1
