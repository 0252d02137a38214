-- Today at the institution. Only the rollover moves it, forward.
CREATE TABLE state.calendar (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  today    date NOT NULL
);

-- A mark says "derive this key again". Appended, never unique, never updated; deleted by the deriver that then reads.
-- priority: 0 news from the source, 1 rows of a snapshot, 2 everything else (a rollover, moved coverage).
CREATE TABLE state.key_mark (
  family       text NOT NULL,
  course_id    integer NOT NULL,
  student_id   integer NOT NULL,
  priority     smallint NOT NULL,
  epoch        integer,
  lsn          bigint,
  committed_at timestamptz
);

CREATE INDEX key_mark_key ON state.key_mark (family, priority, course_id, student_id);

-- A course mark says "look again at what the keys of this course add up to", and which key says so, with the version of
-- the course it was derived with and the stamp of its own marks; null where no key does (a rollover).
CREATE TABLE state.course_mark (
  course_id      integer NOT NULL,
  family         text,
  student_id     integer,
  course_version bigint,
  epoch          integer,
  lsn            bigint,
  committed_at   timestamptz
);

CREATE INDEX course_mark_course ON state.course_mark (course_id);

-- Queues: emptied as fast as they fill, so vacuum soon and often.
ALTER TABLE state.key_mark SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE state.course_mark SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- One row per (family, key): the lock its deriver holds, and what the key says about its course.
-- first_days: first day per kind of data, in the order of COVERAGE_KINDS. first_day: the key's own first day, by what its
-- family sees. next_day: the key's first row after today.
CREATE TABLE state.key (
  family     text NOT NULL,
  course_id  integer NOT NULL,
  student_id integer NOT NULL,
  derived    boolean NOT NULL DEFAULT false,
  first_days integer[],
  first_fact integer,
  last_fact  integer,
  first_day  integer,
  next_day   integer,
  PRIMARY KEY (family, course_id, student_id)
) WITH (fillfactor = 85);

CREATE INDEX key_course ON state.key (course_id);
CREATE INDEX key_next_day ON state.key (next_day) WHERE next_day IS NOT NULL;

-- What all keys of a course add up to. version grows whenever a key of the course has to be derived again for it.
CREATE TABLE state.course (
  course_id    integer PRIMARY KEY,
  version      bigint NOT NULL,
  covered_from integer[] NOT NULL,
  first_fact   integer,
  last_fact    integer,
  as_of        date NOT NULL
);
