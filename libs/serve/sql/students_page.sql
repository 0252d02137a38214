-- The $2 students after $1 with a row of engagement or performance, and the values to be averaged over all their courses, in
-- hundredths. Each family's own index is read no further than the page; the view student_metrics would have to join all
-- its rows first.
WITH page AS (
  (SELECT DISTINCT student_id FROM engagement_features WHERE student_id > $1::integer ORDER BY student_id LIMIT $2::integer)
  UNION
  (SELECT DISTINCT student_id FROM performance_features WHERE student_id > $1::integer ORDER BY student_id LIMIT $2::integer)
  ORDER BY student_id LIMIT $2::integer
)
SELECT
  page.student_id,
  s.source_id,
  least(
    (SELECT min(as_of_date) FROM engagement_features AS e WHERE e.student_id = page.student_id),
    (SELECT min(as_of_date) FROM performance_features AS p WHERE p.student_id = page.student_id)
  ) AS as_of,
  ARRAY(
    SELECT (e.engagement_score * 100)::integer FROM engagement_features AS e
    WHERE e.student_id = page.student_id AND e.engagement_score IS NOT NULL
  ) AS engagement_scores,
  ARRAY(
    SELECT (p.success_rate * 100)::integer FROM performance_features AS p
    WHERE p.student_id = page.student_id AND p.success_rate IS NOT NULL
  ) AS success_rates
FROM page
JOIN student AS s USING (student_id)
ORDER BY page.student_id
