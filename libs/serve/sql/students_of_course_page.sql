-- Like students_page, for the course $3 alone: at most one value of each.
WITH page AS (
  (
    SELECT student_id FROM engagement_features
    WHERE course_id = $3::integer AND student_id > $1::integer
    ORDER BY student_id LIMIT $2::integer
  )
  UNION
  (
    SELECT student_id FROM performance_features
    WHERE course_id = $3::integer AND student_id > $1::integer
    ORDER BY student_id LIMIT $2::integer
  )
  ORDER BY student_id LIMIT $2::integer
)
SELECT
  page.student_id,
  s.source_id,
  least(e.as_of_date, p.as_of_date) AS as_of,
  array_remove(ARRAY[(e.engagement_score * 100)::integer], NULL) AS engagement_scores,
  array_remove(ARRAY[(p.success_rate * 100)::integer], NULL) AS success_rates
FROM page
JOIN student AS s USING (student_id)
LEFT JOIN engagement_features AS e ON e.student_id = page.student_id AND e.course_id = $3::integer
LEFT JOIN performance_features AS p ON p.student_id = page.student_id AND p.course_id = $3::integer
ORDER BY page.student_id
