-- The rows of these students as they are now.
SELECT 'engagement' AS family, student_id, course_id, row_version, to_jsonb(f) AS features
FROM engagement_features AS f WHERE student_id = ANY ($1::integer[])
UNION ALL
SELECT 'performance', student_id, course_id, row_version, to_jsonb(f)
FROM performance_features AS f WHERE student_id = ANY ($1::integer[])
UNION ALL
SELECT 'anomaly', student_id, course_id, row_version, to_jsonb(f)
FROM anomaly_features AS f WHERE student_id = ANY ($1::integer[])
ORDER BY row_version
