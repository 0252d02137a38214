-- What engagement and performance have stored of these keys: the as-of date and the days. Found key by key (OFFSET 0 keeps it
-- so), whatever the planner thinks of the tables' size. $3: the family to leave out, or null.
SELECT
  k.course_id, k.student_id,
  engagement.as_of_date AS engagement_as_of,
  engagement.enrolled_at,
  engagement_days.first_day AS engagement_first_day,
  engagement_days.score::text,
  engagement_days.ma7::text,
  engagement_days.active::text,
  engagement_days.handed_in,
  performance.as_of_date AS performance_as_of,
  performance_days.first_day AS performance_first_day,
  performance_days.graded
FROM unnest($1::integer[], $2::integer[]) AS k (course_id, student_id)
LEFT JOIN LATERAL (
  SELECT as_of_date, enrolled_at FROM engagement_features
  WHERE student_id = k.student_id AND course_id = k.course_id AND $3::text IS DISTINCT FROM 'engagement'
  OFFSET 0
) AS engagement ON true
LEFT JOIN LATERAL (
  SELECT first_day, score, ma7, active, handed_in FROM state.engagement_series
  WHERE student_id = k.student_id AND course_id = k.course_id AND $3::text IS DISTINCT FROM 'engagement'
  OFFSET 0
) AS engagement_days ON true
LEFT JOIN LATERAL (
  SELECT as_of_date FROM performance_features
  WHERE student_id = k.student_id AND course_id = k.course_id AND $3::text IS DISTINCT FROM 'performance'
  OFFSET 0
) AS performance ON true
LEFT JOIN LATERAL (
  SELECT first_day, graded FROM state.performance_series
  WHERE student_id = k.student_id AND course_id = k.course_id AND $3::text IS DISTINCT FROM 'performance'
  OFFSET 0
) AS performance_days ON true
