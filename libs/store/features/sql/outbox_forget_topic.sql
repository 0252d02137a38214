-- Nobody sends any more, and when somebody does again every key is noted anyway: so nothing needs to wait until then.
WITH forgotten AS (DELETE FROM state.feature_topic WHERE topic = $1),
unpublished AS (DELETE FROM state.published WHERE topic = $1)
DELETE FROM outbox WHERE topic = $1
