-- The last $4 days of one student ($1) up to the as-of of each of the courses $2 … $3, oldest first.
SELECT t.course_id, t.feature_date, t.engagement_ma7, t.engagement_score_day, t.grade_ma30
FROM temporal_features AS t
JOIN state.course AS c USING (course_id)
WHERE t.student_id = $1::integer
  AND t.course_id BETWEEN $2::integer AND $3::integer
  AND t.feature_date > c.as_of - $4::integer
  AND t.feature_date <= c.as_of
ORDER BY t.feature_date, t.course_id
