-- What the flags are made of beside scores and means: the days with activity, 1 or 0, and what became of each graded item,
-- [{from, item, grade: {points, max, day, at} or null}], in order of day and item. Empty where a series was derived before
-- this migration: no flag is derived from it, since the settings have changed with it, and whoever adopts them marks every
-- key.
ALTER TABLE state.engagement_series
  ADD COLUMN active integer[] NOT NULL DEFAULT '{}',
  ALTER COLUMN active SET STATISTICS 0;
ALTER TABLE state.performance_series
  ADD COLUMN graded jsonb NOT NULL DEFAULT '[]',
  ALTER COLUMN graded SET STATISTICS 0;

-- Each flag {since, value, baseline, threshold, method, severity} (and item or direction), or null while it is not open.
-- unsupported names those that are not known for want of data.
CREATE TABLE anomaly_features (
  student_id          integer NOT NULL,
  course_id           integer NOT NULL,
  engagement_drop     jsonb,
  engagement_spike    jsonb,
  inactivity          jsonb,
  engagement_shift    jsonb,
  sustained_low       jsonb,
  grade_drop          jsonb,
  grade_spike         jsonb,
  grade_outlier       jsonb,
  unsupported         text[] NOT NULL,
  as_of_date          date NOT NULL,
  source_position     text,
  source_committed_at timestamptz,
  computed_at         timestamptz NOT NULL,
  row_version         bigint NOT NULL,
  feature_version     integer NOT NULL,
  PRIMARY KEY (student_id, course_id)
) WITH (fillfactor = 85, autovacuum_analyze_scale_factor = 1, autovacuum_analyze_threshold = 20000);

ALTER TABLE anomaly_features
  ALTER COLUMN engagement_drop SET STATISTICS 0, ALTER COLUMN engagement_spike SET STATISTICS 0,
  ALTER COLUMN inactivity SET STATISTICS 0, ALTER COLUMN engagement_shift SET STATISTICS 0,
  ALTER COLUMN sustained_low SET STATISTICS 0, ALTER COLUMN grade_drop SET STATISTICS 0,
  ALTER COLUMN grade_spike SET STATISTICS 0, ALTER COLUMN grade_outlier SET STATISTICS 0,
  ALTER COLUMN unsupported SET STATISTICS 0;

-- Few students have an open flag.
CREATE INDEX anomaly_features_open ON anomaly_features (course_id) WHERE num_nonnulls(
  engagement_drop, engagement_spike, inactivity, engagement_shift, sustained_low, grade_drop, grade_spike, grade_outlier
) > 0;

-- One row per open flag.
CREATE VIEW state.open_flag AS
SELECT f.student_id, f.course_id, f.as_of_date, flag.name COLLATE "C" AS flag, flag.content
FROM anomaly_features AS f
CROSS JOIN LATERAL (VALUES
  ('engagement_drop', f.engagement_drop),
  ('engagement_spike', f.engagement_spike),
  ('inactivity', f.inactivity),
  ('engagement_shift', f.engagement_shift),
  ('sustained_low', f.sustained_low),
  ('grade_drop', f.grade_drop),
  ('grade_spike', f.grade_spike),
  ('grade_outlier', f.grade_outlier)
) AS flag (name, content)
WHERE flag.content IS NOT NULL AND num_nonnulls(
  f.engagement_drop, f.engagement_spike, f.inactivity, f.engagement_shift, f.sustained_low, f.grade_drop, f.grade_spike, f.grade_outlier
) > 0;

-- The open flags of each day: of the names in order of the alphabet the first is 1, the next 2, 4, …
CREATE TABLE state.anomaly_series (
  student_id integer NOT NULL,
  course_id  integer NOT NULL,
  first_day  date NOT NULL,
  flags      integer[] NOT NULL,
  PRIMARY KEY (student_id, course_id)
) WITH (fillfactor = 85, autovacuum_analyze_scale_factor = 1, autovacuum_analyze_threshold = 20000);

ALTER TABLE state.anomaly_series ALTER COLUMN flags SET STATISTICS 0;

CREATE FUNCTION state.flag_names(bits integer) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN bits IS NULL THEN NULL
  WHEN bits = 0 THEN '{}'::text[]
  ELSE array_remove(ARRAY[
    CASE WHEN bits & 1 > 0 THEN 'engagement_drop' END,
    CASE WHEN bits & 2 > 0 THEN 'engagement_shift' END,
    CASE WHEN bits & 4 > 0 THEN 'engagement_spike' END,
    CASE WHEN bits & 8 > 0 THEN 'grade_drop' END,
    CASE WHEN bits & 16 > 0 THEN 'grade_outlier' END,
    CASE WHEN bits & 32 > 0 THEN 'grade_spike' END,
    CASE WHEN bits & 64 > 0 THEN 'inactivity' END,
    CASE WHEN bits & 128 > 0 THEN 'sustained_low' END
  ], NULL)
END;

-- As before, and the flags. A day is there by its engagement and performance; until the flags of a day are derived, which
-- follows, they are null. Arrays are unnested once per key: reading one element at a time would unpack the whole array each
-- time.
CREATE OR REPLACE VIEW temporal_features AS
SELECT
  s.student_id,
  s.course_id,
  day.feature_date,
  (day.score / 100.0)::numeric(5, 2) AS engagement_score_day,
  (day.engagement_ma7 / 100.0)::numeric(5, 2) AS engagement_ma7,
  (day.engagement_ma30 / 100.0)::numeric(5, 2) AS engagement_ma30,
  (day.trend / 1000000.0)::numeric(10, 6) AS engagement_trend,
  (day.grade_ma7 / 100.0)::numeric(5, 2) AS grade_ma7,
  (day.grade_ma30 / 100.0)::numeric(5, 2) AS grade_ma30,
  CASE
    WHEN day.whole > 0 THEN jsonb_build_object(
      'Monday', state.share(day.monday, day.whole),
      'Tuesday', state.share(day.tuesday, day.whole),
      'Wednesday', state.share(day.wednesday, day.whole),
      'Thursday', state.share(day.thursday, day.whole),
      'Friday', state.share(day.friday, day.whole),
      'Saturday', state.share(day.saturday, day.whole),
      'Sunday', state.share(day.sunday, day.whole)
    )
  END AS activity_pattern,
  state.flag_names(day.flags) AS anomaly_flags
FROM (
  SELECT
    coalesce(e.student_id, p.student_id) AS student_id,
    coalesce(e.course_id, p.course_id) AS course_id,
    e.first_day AS engagement_from,
    extract(isodow FROM e.first_day)::integer - 1 AS engagement_weekday,
    e.score,
    e.ma7 AS engagement_ma7,
    e.ma30 AS engagement_ma30,
    e.trend,
    e.events,
    p.first_day AS performance_from,
    p.ma7 AS grade_ma7,
    p.ma30 AS grade_ma30,
    a.first_day AS anomaly_from,
    a.flags
  FROM state.engagement_series AS e
  FULL JOIN state.performance_series AS p USING (student_id, course_id)
  LEFT JOIN state.anomaly_series AS a USING (student_id, course_id)
) AS s
CROSS JOIN LATERAL (
  SELECT
    coalesce(e.feature_date, p.feature_date) AS feature_date,
    e.score, e.engagement_ma7, e.engagement_ma30, e.trend,
    e.whole, e.monday, e.tuesday, e.wednesday, e.thursday, e.friday, e.saturday, e.sunday,
    p.grade_ma7, p.grade_ma30,
    a.flags
  FROM (
    SELECT
      s.engagement_from + (u.i - 1)::integer AS feature_date,
      u.score, u.engagement_ma7, u.engagement_ma30, u.trend,
      sum(u.n) OVER month AS whole,
      coalesce(sum(u.n) FILTER (WHERE (s.engagement_weekday + u.i - 1) % 7 = 0) OVER month, 0) AS monday,
      coalesce(sum(u.n) FILTER (WHERE (s.engagement_weekday + u.i - 1) % 7 = 1) OVER month, 0) AS tuesday,
      coalesce(sum(u.n) FILTER (WHERE (s.engagement_weekday + u.i - 1) % 7 = 2) OVER month, 0) AS wednesday,
      coalesce(sum(u.n) FILTER (WHERE (s.engagement_weekday + u.i - 1) % 7 = 3) OVER month, 0) AS thursday,
      coalesce(sum(u.n) FILTER (WHERE (s.engagement_weekday + u.i - 1) % 7 = 4) OVER month, 0) AS friday,
      coalesce(sum(u.n) FILTER (WHERE (s.engagement_weekday + u.i - 1) % 7 = 5) OVER month, 0) AS saturday,
      coalesce(sum(u.n) FILTER (WHERE (s.engagement_weekday + u.i - 1) % 7 = 6) OVER month, 0) AS sunday
    FROM unnest(s.score, s.engagement_ma7, s.engagement_ma30, s.trend, s.events)
      WITH ORDINALITY AS u (score, engagement_ma7, engagement_ma30, trend, n, i)
    WINDOW month AS (ORDER BY u.i ROWS 29 PRECEDING)
  ) AS e
  FULL JOIN (
    SELECT s.performance_from + (u.i - 1)::integer AS feature_date, u.grade_ma7, u.grade_ma30
    FROM unnest(s.grade_ma7, s.grade_ma30) WITH ORDINALITY AS u (grade_ma7, grade_ma30, i)
  ) AS p USING (feature_date)
  LEFT JOIN (
    SELECT s.anomaly_from + (u.i - 1)::integer AS feature_date, u.flags
    FROM unnest(s.flags) WITH ORDINALITY AS u (flags, i)
  ) AS a USING (feature_date)
) AS day;

-- The three families side by side. A row of the third is there only beside one of the others; its columns come last, where
-- a view can grow.
CREATE OR REPLACE VIEW student_metrics AS
SELECT
  k.student_id,
  k.course_id,
  e.enrolled_at,
  e.events_count,
  e.active_days_count,
  e.activity_scope,
  e.login_count,
  e.login_count_7d,
  e.login_count_30d,
  e.views_7d,
  e.views_30d,
  e.resources_viewed_count,
  e.forum_posts_count,
  e.forum_posts_30d,
  e.total_time_spent,
  e.time_spent_7d,
  e.time_spent_30d,
  e.time_source,
  e.sessions_30d,
  e.active_days_7d,
  e.active_days_30d,
  e.login_frequency,
  e.last_activity_at,
  e.days_inactive,
  e.current_streak_days,
  e.longest_streak_days,
  e.longest_gap_days,
  e.absence_days_last_30,
  e.activities_completed,
  e.activities_total,
  e.assignment_completion_rate,
  e.submissions_count,
  e.late_submissions,
  e.punctuality_score,
  e.engagement_score,
  e.engagement_components,
  e.engagement_ma7,
  e.engagement_ma30,
  e.engagement_trend,
  e.activity_pattern,
  e.regularity_hour,
  e.regularity_weekday,
  e.periodicity_day,
  e.periodicity_week,
  e.week_similarity,
  p.graded_items,
  p.ungraded_items,
  p.zero_grades,
  p.capped_grades,
  p.avg_grade,
  p.min_grade,
  p.max_grade,
  p.latest_grade,
  p.latest_graded_at,
  p.success_rate,
  p.first_assessment_failed,
  p.grade_ma7,
  p.grade_ma30,
  p.grade_trend,
  p.module_grade,
  p.passed,
  e.as_of_date AS engagement_as_of_date,
  p.as_of_date AS performance_as_of_date,
  least(e.as_of_date, p.as_of_date, a.as_of_date) AS as_of_date,
  e.source_position AS engagement_source_position,
  p.source_position AS performance_source_position,
  greatest(e.source_committed_at, p.source_committed_at) AS source_committed_at,
  greatest(e.computed_at, p.computed_at, a.computed_at) AS updated_at,
  greatest(e.feature_version, p.feature_version) AS feature_version,
  a.engagement_drop,
  a.engagement_spike,
  a.inactivity,
  a.engagement_shift,
  a.sustained_low,
  a.grade_drop,
  a.grade_spike,
  a.grade_outlier,
  a.unsupported,
  a.as_of_date AS anomaly_as_of_date,
  a.source_position AS anomaly_source_position
FROM (
  SELECT student_id, course_id FROM engagement_features
  UNION
  SELECT student_id, course_id FROM performance_features
) AS k
LEFT JOIN engagement_features AS e USING (student_id, course_id)
LEFT JOIN performance_features AS p USING (student_id, course_id)
LEFT JOIN anomaly_features AS a USING (student_id, course_id);
