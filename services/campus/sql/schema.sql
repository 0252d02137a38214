-- The tables as an LMSConnector makes them: ids are UUIDs, times have no zone, replica identity is the default one.
CREATE TABLE IF NOT EXISTS students (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  external_id varchar(255) UNIQUE NOT NULL,
  email       varchar(255),
  firstname   varchar(255),
  lastname    varchar(255),
  username    varchar(255),
  created_at  timestamp DEFAULT now(),
  updated_at  timestamp DEFAULT now()
);

CREATE TABLE IF NOT EXISTS courses (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  external_id varchar(255) UNIQUE NOT NULL,
  shortname   varchar(255),
  fullname    varchar(500),
  category_id integer,
  visible     boolean DEFAULT true,
  created_at  timestamp DEFAULT now()
);

CREATE TABLE IF NOT EXISTS enrollments (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  student_id  uuid REFERENCES students (id) ON DELETE CASCADE,
  course_id   uuid REFERENCES courses (id) ON DELETE CASCADE,
  enrolled_at timestamp
);

CREATE TABLE IF NOT EXISTS grades (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  student_id  uuid REFERENCES students (id) ON DELETE CASCADE,
  course_id   uuid REFERENCES courses (id) ON DELETE CASCADE,
  grade_item  varchar(255),
  grade_value numeric(10, 2),
  grade_max   numeric(10, 2),
  timestamp   timestamp
);

CREATE TABLE IF NOT EXISTS activity_logs (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  student_id       uuid REFERENCES students (id) ON DELETE CASCADE,
  course_id        uuid REFERENCES courses (id) ON DELETE CASCADE,
  activity_type    varchar(255) NOT NULL,
  resource_id      varchar(255),
  duration_seconds integer,
  timestamp        timestamp NOT NULL DEFAULT now(),
  metadata         jsonb
);

CREATE INDEX IF NOT EXISTS enrollments_student ON enrollments (student_id, course_id);
CREATE INDEX IF NOT EXISTS grades_student ON grades (student_id, course_id);
CREATE INDEX IF NOT EXISTS activity_logs_student ON activity_logs (student_id, course_id);
