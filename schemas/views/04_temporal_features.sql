-- One row per student, course and day, from the key's first day to the day its features speak for. A day is there by its
-- engagement and performance; until the flags of a day are derived, which follows, they are null. Arrays are unnested once per
-- key: reading one element at a time would unpack the whole array each time.
CREATE OR REPLACE VIEW public.temporal_features AS
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
