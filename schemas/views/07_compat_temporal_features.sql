-- One row for each student of compat.student_metrics, so that a join on the student alone neither multiplies rows nor finds
-- nothing: the mean of the latest days of the student's running courses, else the latest day of the course that stopped last (of
-- several the one with the greatest id). course_ids are those courses, feature_date is the latest of their days. A course that
-- has no day for the student comes after those that have one, so that feature_date is null only where there is none at all.
-- What none of them knows is imputed: the mean of the courses' medians, else 50.
-- The latest row of a key equals its features, which are read in place of the series.
CREATE OR REPLACE VIEW compat.temporal_features AS
WITH key AS (
  SELECT
    student_id, course_id,
    CASE WHEN es.first_day IS NOT NULL THEN e.as_of_date WHEN ps.first_day IS NOT NULL THEN p.as_of_date END AS feature_date,
    e.engagement_ma7,
    e.engagement_ma30,
    course.last_fact,
    coalesce(course.stopped, false) AS stopped
  FROM public.engagement_features AS e
  FULL JOIN public.performance_features AS p USING (student_id, course_id)
  LEFT JOIN state.engagement_series AS es USING (student_id, course_id)
  LEFT JOIN state.performance_series AS ps USING (student_id, course_id)
  LEFT JOIN state.course_span AS course USING (course_id)
),
placed AS (
  SELECT
    key.*,
    rank() OVER (
      PARTITION BY student_id
      ORDER BY feature_date IS NULL, stopped, CASE WHEN stopped THEN last_fact END DESC, CASE WHEN stopped THEN course_id END DESC
    ) AS place
  FROM key
),
median AS (
  SELECT
    course_id,
    state.of_hundredths(percentile_cont(0.5) WITHIN GROUP (ORDER BY (100 * engagement_ma7)::integer)) AS ma7,
    state.of_hundredths(percentile_cont(0.5) WITHIN GROUP (ORDER BY (100 * engagement_ma30)::integer)) AS ma30
  FROM key
  GROUP BY course_id
),
student AS (
  SELECT
    student_id,
    array_agg(course_id ORDER BY course_id) AS course_ids,
    max(feature_date) AS feature_date,
    state.two_decimals(sum(engagement_ma7), nullif(count(engagement_ma7), 0)) AS ma7,
    state.two_decimals(sum(engagement_ma30), nullif(count(engagement_ma30), 0)) AS ma30,
    state.two_decimals(sum(median.ma7), nullif(count(median.ma7), 0)) AS median_ma7,
    state.two_decimals(sum(median.ma30), nullif(count(median.ma30), 0)) AS median_ma30
  FROM placed
  JOIN median USING (course_id)
  WHERE place = 1
  GROUP BY student_id
)
SELECT
  student_id,
  course_ids,
  feature_date,
  coalesce(ma7, median_ma7, 50)::numeric(5, 2) AS engagement_ma7,
  coalesce(ma30, median_ma30, 50)::numeric(5, 2) AS engagement_ma30,
  array_remove(ARRAY[
    CASE WHEN ma7 IS NULL THEN 'engagement_ma7' END,
    CASE WHEN ma30 IS NULL THEN 'engagement_ma30' END
  ], NULL) AS imputed
FROM student;
