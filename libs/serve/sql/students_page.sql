-- The $3 keys after ($1, $2) that have a row of any family. Each family's own index is read no further than the page;
-- the view student_metrics would have to join all its rows first.
WITH page AS (
  (
    SELECT student_id, course_id FROM engagement_features
    WHERE (student_id, course_id) > ($1::integer, $2::integer)
    ORDER BY student_id, course_id LIMIT $3::integer
  )
  UNION
  (
    SELECT student_id, course_id FROM performance_features
    WHERE (student_id, course_id) > ($1::integer, $2::integer)
    ORDER BY student_id, course_id LIMIT $3::integer
  )
  ORDER BY student_id, course_id LIMIT $3::integer
)
SELECT page.student_id, page.course_id, s.source_id, e.engagement_score, p.success_rate
FROM page
JOIN student AS s USING (student_id)
LEFT JOIN engagement_features AS e USING (student_id, course_id)
LEFT JOIN performance_features AS p USING (student_id, course_id)
ORDER BY page.student_id, page.course_id
