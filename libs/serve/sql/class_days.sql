-- The last $2 days of one course ($1) up to its as-of: how many students have a row of that day, how many of them were
-- active, and the quartiles of their values, in hundredths, interpolated; null if nobody has a value.
-- Each array is sliced once; picking its days one by one would unpack it for every day.
SELECT
  day.feature_date::text,
  count(*) AS students,
  count(*) FILTER (WHERE day.active = 1) AS active,
  percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY day.engagement) AS engagement,
  percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY day.grade) AS grade
FROM (
  SELECT coalesce(e.feature_date, p.feature_date) AS feature_date, e.engagement, e.active, p.grade
  FROM (
    SELECT s.student_id, s.first_day + cut.first + u.n::integer - 2 AS feature_date, u.ma7 AS engagement, u.active
    FROM state.engagement_series AS s
    JOIN state.course AS c USING (course_id)
    CROSS JOIN LATERAL (
      SELECT greatest(1, c.as_of - s.first_day + 2 - $2::integer) AS first, c.as_of - s.first_day + 1 AS last
    ) AS cut
    CROSS JOIN LATERAL unnest(s.ma7[cut.first:cut.last], s.active[cut.first:cut.last])
      WITH ORDINALITY AS u (ma7, active, n)
    WHERE s.course_id = $1::integer
  ) AS e
  FULL JOIN (
    SELECT s.student_id, s.first_day + cut.first + u.n::integer - 2 AS feature_date, u.ma30 AS grade
    FROM state.performance_series AS s
    JOIN state.course AS c USING (course_id)
    CROSS JOIN LATERAL (
      SELECT greatest(1, c.as_of - s.first_day + 2 - $2::integer) AS first, c.as_of - s.first_day + 1 AS last
    ) AS cut
    CROSS JOIN LATERAL unnest(s.ma30[cut.first:cut.last]) WITH ORDINALITY AS u (ma30, n)
    WHERE s.course_id = $1::integer
  ) AS p USING (student_id, feature_date)
) AS day
GROUP BY day.feature_date
ORDER BY day.feature_date
