-- Per family: courses with a row of it, and rows that a rollover has not reached yet.
WITH courses AS (
  SELECT 'engagement' AS family, f.course_id, count(*) FILTER (WHERE f.as_of_date < c.as_of) AS stale
  FROM engagement_features AS f
  LEFT JOIN state.course AS c USING (course_id)
  GROUP BY f.course_id
  UNION ALL
  SELECT 'performance', f.course_id, count(*) FILTER (WHERE f.as_of_date < c.as_of)
  FROM performance_features AS f
  LEFT JOIN state.course AS c USING (course_id)
  GROUP BY f.course_id
  UNION ALL
  SELECT 'anomaly', f.course_id, count(*) FILTER (WHERE f.as_of_date < c.as_of)
  FROM anomaly_features AS f
  LEFT JOIN state.course AS c USING (course_id)
  GROUP BY f.course_id
)
SELECT family, count(*) AS courses, sum(stale)::bigint AS stale_rows FROM courses GROUP BY family
