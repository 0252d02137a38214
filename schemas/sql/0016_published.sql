-- What each feature topic was last told of a key: with it the nightly proof finds a change whose note was lost before it
-- was sent. Written as notes are taken out, by the topic's one relay.
CREATE TABLE state.published (
  topic        text NOT NULL,
  student_id   integer NOT NULL,
  course_id    integer NOT NULL,
  version      bigint NOT NULL,
  is_tombstone boolean NOT NULL,
  PRIMARY KEY (topic, student_id, course_id)
) WITH (fillfactor = 85);

-- Nothing is written there of what was sent until now: each topic is told of every key once more.
DELETE FROM state.feature_topic;
