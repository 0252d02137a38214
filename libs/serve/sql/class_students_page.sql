-- The students of one course ($1) after $2, ordered by our integers, $3 at most, each with what a table of the class shows:
-- current values, open flags, and the last $4 days of the engagement series up to the course's as-of.
WITH page AS (
  (
    SELECT student_id FROM engagement_features
    WHERE course_id = $1::integer AND student_id > $2::integer
    ORDER BY student_id LIMIT $3::integer
  )
  UNION
  (
    SELECT student_id FROM performance_features
    WHERE course_id = $1::integer AND student_id > $2::integer
    ORDER BY student_id LIMIT $3::integer
  )
  ORDER BY student_id LIMIT $3::integer
)
SELECT
  page.student_id,
  s.source_id AS student_source_id,
  least(e.as_of_date, p.as_of_date, a.as_of_date) AS as_of,
  e.engagement_score,
  e.days_inactive,
  e.active_days_30d,
  p.avg_grade,
  p.success_rate,
  a.attention,
  ARRAY(
    SELECT f.flag FROM state.open_flag AS f
    WHERE f.student_id = page.student_id AND f.course_id = $1::integer
    ORDER BY f.flag
  ) AS flags,
  (
    SELECT r.ma7[greatest(1, c.as_of - r.first_day + 2 - $4::integer) : c.as_of - r.first_day + 1]
    FROM state.engagement_series AS r
    JOIN state.course AS c USING (course_id)
    WHERE r.student_id = page.student_id AND r.course_id = $1::integer
  ) AS engagement_ma7
FROM page
JOIN student AS s USING (student_id)
LEFT JOIN engagement_features AS e ON e.student_id = page.student_id AND e.course_id = $1::integer
LEFT JOIN performance_features AS p ON p.student_id = page.student_id AND p.course_id = $1::integer
LEFT JOIN anomaly_features AS a ON a.student_id = page.student_id AND a.course_id = $1::integer
ORDER BY page.student_id
