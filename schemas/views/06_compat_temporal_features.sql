CREATE OR REPLACE VIEW compat.temporal_features AS
WITH key AS (
  SELECT
    student_id, course_id,
    CASE WHEN es.first_day IS NOT NULL THEN e.as_of_date WHEN ps.first_day IS NOT NULL THEN p.as_of_date END AS feature_date,
    e.engagement_ma7,
    e.engagement_ma30
  FROM public.engagement_features AS e
  FULL JOIN public.performance_features AS p USING (student_id, course_id)
  LEFT JOIN state.engagement_series AS es USING (student_id, course_id)
  LEFT JOIN state.performance_series AS ps USING (student_id, course_id)
),
latest AS (
  SELECT DISTINCT ON (key.student_id) key.*
  FROM key
  LEFT JOIN state.course AS course USING (course_id)
  ORDER BY
    key.student_id,
    key.feature_date DESC NULLS LAST,
    key.engagement_ma30 IS NULL,
    course.first_fact DESC NULLS LAST,
    key.course_id DESC
),
median AS (
  SELECT
    course_id,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (100 * engagement_ma7)::integer) AS engagement_ma7,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (100 * engagement_ma30)::integer) AS engagement_ma30
  FROM key
  GROUP BY course_id
)
SELECT
  latest.student_id,
  latest.course_id,
  latest.feature_date,
  coalesce(latest.engagement_ma7, state.of_hundredths(median.engagement_ma7), 50)::numeric(5, 2) AS engagement_ma7,
  coalesce(latest.engagement_ma30, state.of_hundredths(median.engagement_ma30), 50)::numeric(5, 2) AS engagement_ma30,
  array_remove(ARRAY[
    CASE WHEN latest.engagement_ma7 IS NULL THEN 'engagement_ma7' END,
    CASE WHEN latest.engagement_ma30 IS NULL THEN 'engagement_ma30' END
  ], NULL) AS imputed
FROM latest
JOIN median USING (course_id);
