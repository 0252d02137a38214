-- The rows of these students as they are now. Fresh: written a moment ago, so that of one who was not watched before it can be
-- told which of them is the news.
SELECT family, student_id, course_id, row_version, is_fresh, features
FROM (
  SELECT 'engagement' AS family, student_id, course_id, row_version, computed_at > now() - interval '10 seconds' AS is_fresh, to_jsonb(f) AS features
  FROM engagement_features AS f WHERE student_id = ANY ($1::integer[])
  UNION ALL
  SELECT 'performance', student_id, course_id, row_version, computed_at > now() - interval '10 seconds', to_jsonb(f)
  FROM performance_features AS f WHERE student_id = ANY ($1::integer[])
  UNION ALL
  SELECT 'anomaly', student_id, course_id, row_version, computed_at > now() - interval '10 seconds', to_jsonb(f)
  FROM anomaly_features AS f WHERE student_id = ANY ($1::integer[])
) AS rows
ORDER BY row_version
