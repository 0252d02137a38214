-- Identity: every table of ours speaks in small stable integers, given at first sight and never reused.
CREATE TABLE student (
  student_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source_id     uuid NOT NULL UNIQUE,
  first_seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE course (
  course_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source_id     uuid NOT NULL UNIQUE,
  first_seen_at timestamptz NOT NULL DEFAULT now()
);

-- What is ours to shape lives in "state"; what others read lives in "public".
CREATE SCHEMA state;

-- Images: our copy of each source row's needed columns, unconverted, with the position of the change that wrote it.
-- A deleted row stays as a tombstone (live = false), so that an older change arriving late is refused.
-- toast: positions from which columns come that their last change did not carry; null nearly always.
CREATE TABLE state.image_students (
  id    uuid PRIMARY KEY,
  epoch integer NOT NULL,
  lsn   bigint NOT NULL,
  live  boolean NOT NULL,
  toast jsonb
);

CREATE TABLE state.image_courses (LIKE state.image_students INCLUDING ALL);

CREATE TABLE state.image_enrollments (
  id          uuid PRIMARY KEY,
  epoch       integer NOT NULL,
  lsn         bigint NOT NULL,
  live        boolean NOT NULL,
  toast       jsonb,
  student_id  integer,
  course_id   integer,
  enrolled_at bigint
);

CREATE TABLE state.image_grades (
  id          uuid PRIMARY KEY,
  epoch       integer NOT NULL,
  lsn         bigint NOT NULL,
  live        boolean NOT NULL,
  toast       jsonb,
  student_id  integer,
  course_id   integer,
  grade_item  text,
  grade_value text,
  grade_max   text,
  "timestamp" bigint
);

CREATE TABLE state.image_activity_logs (
  id               uuid PRIMARY KEY,
  epoch            integer NOT NULL,
  lsn              bigint NOT NULL,
  live             boolean NOT NULL,
  toast            jsonb,
  student_id       integer,
  course_id        integer,
  activity_type    text,
  resource_id      text,
  duration_seconds text,
  "timestamp"      bigint,
  metadata         text
);

CREATE INDEX image_enrollments_key ON state.image_enrollments (student_id, course_id) WHERE live;
CREATE INDEX image_grades_key ON state.image_grades (student_id, course_id) WHERE live;
CREATE INDEX image_activity_logs_key ON state.image_activity_logs (student_id, course_id) WHERE live;

-- A truncate raises its table's floor: images below it are gone, and changes below it are refused.
CREATE TABLE state.floor (
  source_table text PRIMARY KEY,
  epoch        integer NOT NULL,
  lsn          bigint NOT NULL
);

-- Rows that cannot be read: staged, contributing nothing, listed here. Rejections are counted for ever.
CREATE TABLE rejected_change (
  origin       text PRIMARY KEY,
  source_table text NOT NULL,
  source_id    uuid,
  epoch        integer NOT NULL,
  lsn          bigint NOT NULL,
  reason       text NOT NULL,
  payload      text NOT NULL,
  rejected_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX rejected_change_table ON rejected_change (source_table, epoch, lsn);

CREATE TABLE state.rejected_total (
  source_table text NOT NULL,
  reason       text NOT NULL,
  total        bigint NOT NULL,
  PRIMARY KEY (source_table, reason)
);

-- How far each part of the stream is applied; written in the transaction of the batch it speaks of.
CREATE TABLE stream_progress (
  stream       text PRIMARY KEY,
  epoch        integer NOT NULL,
  applied      bigint NOT NULL,
  phase        text NOT NULL CHECK (phase IN ('snapshot', 'streaming')),
  origin       text NOT NULL,
  committed_at timestamptz,
  updated_at   timestamptz NOT NULL DEFAULT now()
);

-- One life of one replication slot each.
CREATE TABLE state.epoch (
  epoch    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream   text NOT NULL,
  origin   text NOT NULL,
  reason   text NOT NULL,
  begun_at timestamptz NOT NULL DEFAULT now()
);
