-- The tables of an LMSConnector, column for column as its own migration makes them: ids are UUIDs, times have no zone,
-- replica identity is the default one.
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";

CREATE TABLE IF NOT EXISTS students (
  id          uuid PRIMARY KEY DEFAULT uuid_generate_v4(),
  external_id text NOT NULL UNIQUE,
  email       text,
  firstname   text,
  lastname    text,
  username    text,
  created_at  timestamp NOT NULL DEFAULT now(),
  updated_at  timestamp NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS courses (
  id          uuid PRIMARY KEY DEFAULT uuid_generate_v4(),
  external_id text NOT NULL UNIQUE,
  shortname   text,
  fullname    text,
  category_id text,
  visible     boolean DEFAULT true,
  created_at  timestamp NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS enrollments (
  id          uuid PRIMARY KEY DEFAULT uuid_generate_v4(),
  student_id  uuid REFERENCES students (id) ON DELETE CASCADE,
  course_id   uuid REFERENCES courses (id) ON DELETE CASCADE,
  enrolled_at timestamp
);

CREATE TABLE IF NOT EXISTS grades (
  id          uuid PRIMARY KEY DEFAULT uuid_generate_v4(),
  student_id  uuid REFERENCES students (id) ON DELETE CASCADE,
  course_id   uuid REFERENCES courses (id) ON DELETE CASCADE,
  grade_item  text,
  grade_value numeric,
  grade_max   numeric,
  timestamp   timestamp
);

CREATE TABLE IF NOT EXISTS activity_logs (
  id               uuid PRIMARY KEY DEFAULT uuid_generate_v4(),
  student_id       uuid REFERENCES students (id) ON DELETE CASCADE,
  course_id        uuid REFERENCES courses (id) ON DELETE CASCADE,
  activity_type    text NOT NULL,
  resource_id      text,
  duration_seconds integer,
  timestamp        timestamp NOT NULL,
  metadata         jsonb DEFAULT '{}'
);

CREATE INDEX IF NOT EXISTS enrollments_student_course ON enrollments (student_id, course_id);
CREATE INDEX IF NOT EXISTS grades_student_course ON grades (student_id, course_id);
CREATE INDEX IF NOT EXISTS activity_logs_timestamp ON activity_logs (timestamp);

-- Further tables of the connector, which nobody may read: its own log, and the platforms with their tokens.
CREATE TABLE IF NOT EXISTS sync_logs (
  id            uuid PRIMARY KEY DEFAULT uuid_generate_v4(),
  source_id     uuid,
  status        text,
  started_at    timestamp NOT NULL DEFAULT now(),
  completed_at  timestamp
);

CREATE TABLE IF NOT EXISTS lms_sources (
  id       uuid PRIMARY KEY DEFAULT uuid_generate_v4(),
  type     text NOT NULL CHECK (type IN ('moodle', 'canvas', 'blackboard')),
  base_url text NOT NULL,
  token    text
);
