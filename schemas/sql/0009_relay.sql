-- When the oldest change was noted that the topic has not been told of: what is sent late is seen to be late.
ALTER TABLE outbox ADD COLUMN noted_at timestamptz NOT NULL DEFAULT clock_timestamp();

-- The relay takes the oldest first, also where a million wait.
CREATE INDEX outbox_order ON outbox (topic, version);

-- A queue: emptied as fast as it fills, so vacuum soon and often; what its statistics say is over by the time they are read.
ALTER TABLE outbox SET (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_analyze_scale_factor = 10, autovacuum_analyze_threshold = 1000000
);

-- Topics of which every key has been noted since they were last switched on: from then on each change is.
CREATE TABLE state.feature_topic (
  topic          text PRIMARY KEY,
  complete_since timestamptz NOT NULL DEFAULT now()
);
