-- A mark is awaited if readiness waits for it: a snapshot, a new epoch, adopted settings or a day set back brought it,
-- or a derivation that took such a mark left it behind.
ALTER TABLE state.key_mark ADD COLUMN awaited boolean NOT NULL DEFAULT false;
ALTER TABLE state.course_mark ADD COLUMN awaited boolean NOT NULL DEFAULT false;

CREATE INDEX key_mark_awaited ON state.key_mark (family, course_id, student_id) WHERE awaited;
CREATE INDEX course_mark_awaited ON state.course_mark (course_id) WHERE awaited;

-- The topic by which the changes of a table come, as who reads it found it.
CREATE TABLE state.topic (
  source_table text PRIMARY KEY,
  topic        text NOT NULL,
  partitions   integer NOT NULL
);

-- Of a partition: the newest epoch whose first reading was in the log when its end was looked at, and is staged as far as
-- that end; 0: none.
ALTER TABLE stream_progress ADD COLUMN snapshot_staged integer NOT NULL DEFAULT 0;

-- What was marked before there was this column cannot be told apart: all that was not news is awaited.
UPDATE state.key_mark SET awaited = true WHERE priority > 0;
UPDATE state.course_mark SET awaited = true;
