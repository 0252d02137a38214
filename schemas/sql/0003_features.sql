-- Orders the versions of a feature row; drawn under the key's lock.
CREATE SEQUENCE state.row_version;

CREATE TABLE engagement_features (
  student_id            integer NOT NULL,
  course_id             integer NOT NULL,
  enrolled_at           timestamptz,
  events_count          integer,
  active_days_count     integer,
  login_count           integer,
  login_count_7d        integer,
  active_days_7d        integer,
  active_days_30d       integer,
  last_activity_at      timestamptz,
  days_inactive         integer,
  engagement_score      numeric(5, 2),
  engagement_components jsonb,
  as_of_date            date NOT NULL,
  source_position       text,
  source_committed_at   timestamptz,
  computed_at           timestamptz NOT NULL,
  row_version           bigint NOT NULL,
  feature_version       integer NOT NULL,
  PRIMARY KEY (student_id, course_id)
) WITH (fillfactor = 85);

CREATE TABLE performance_features (
  student_id          integer NOT NULL,
  course_id           integer NOT NULL,
  avg_grade           numeric(5, 2),
  latest_grade        numeric(5, 2),
  graded_items        integer NOT NULL,
  as_of_date          date NOT NULL,
  source_position     text,
  source_committed_at timestamptz,
  computed_at         timestamptz NOT NULL,
  row_version         bigint NOT NULL,
  feature_version     integer NOT NULL,
  PRIMARY KEY (student_id, course_id)
) WITH (fillfactor = 85);

CREATE INDEX engagement_features_course ON engagement_features (course_id);
CREATE INDEX performance_features_course ON performance_features (course_id);

-- The families side by side: one row per student and course that has either.
CREATE VIEW student_metrics AS
SELECT
  coalesce(e.student_id, p.student_id) AS student_id,
  coalesce(e.course_id, p.course_id) AS course_id,
  e.enrolled_at,
  e.events_count,
  e.active_days_count,
  e.login_count,
  e.login_count_7d,
  e.active_days_7d,
  e.active_days_30d,
  e.last_activity_at,
  e.days_inactive,
  e.engagement_score,
  e.engagement_components,
  p.avg_grade,
  p.latest_grade,
  p.graded_items,
  e.as_of_date AS engagement_as_of_date,
  p.as_of_date AS performance_as_of_date,
  least(e.as_of_date, p.as_of_date) AS as_of_date,
  e.source_position AS engagement_source_position,
  p.source_position AS performance_source_position,
  greatest(e.source_committed_at, p.source_committed_at) AS source_committed_at,
  greatest(e.computed_at, p.computed_at) AS updated_at,
  greatest(e.feature_version, p.feature_version) AS feature_version
FROM engagement_features AS e
FULL JOIN performance_features AS p USING (student_id, course_id);
