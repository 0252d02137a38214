-- The stored days of each key of a course, as far as its class counts them. Found key by key (OFFSET 0 keeps it so),
-- whatever the planner thinks of the tables' size.
SELECT days.first_day, days.active::text AS active, days.handed_in, grades.graded
FROM (
  SELECT DISTINCT student_id FROM state.key WHERE course_id = $1::integer AND family IN ('engagement', 'performance')
) AS k
LEFT JOIN LATERAL (
  SELECT first_day, active, handed_in FROM state.engagement_series
  WHERE student_id = k.student_id AND course_id = $1::integer
  OFFSET 0
) AS days ON true
LEFT JOIN LATERAL (
  SELECT graded FROM state.performance_series
  WHERE student_id = k.student_id AND course_id = $1::integer
  OFFSET 0
) AS grades ON true
WHERE days.first_day IS NOT NULL OR grades.graded IS NOT NULL
