-- As students_page, of the course $2 alone.
WITH page AS (
  (
    SELECT student_id, course_id FROM engagement_features
    WHERE course_id = $2::integer AND student_id > $1::integer
    ORDER BY student_id LIMIT $3::integer
  )
  UNION
  (
    SELECT student_id, course_id FROM performance_features
    WHERE course_id = $2::integer AND student_id > $1::integer
    ORDER BY student_id LIMIT $3::integer
  )
  ORDER BY student_id LIMIT $3::integer
)
SELECT page.student_id, page.course_id, s.source_id, e.engagement_score, p.success_rate
FROM page
JOIN student AS s USING (student_id)
LEFT JOIN engagement_features AS e USING (student_id, course_id)
LEFT JOIN performance_features AS p USING (student_id, course_id)
ORDER BY page.student_id
