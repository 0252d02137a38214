-- Per key the last $1 days of its engagement series up to its course's as-of, of the courses $2 … $3, ordered by course,
-- student and day: those after ($4, $5, $6) up to ($7, $8, $9), $10 at most, after skipping the first $11.
-- state.key has the keys in the order of the page, so that no more keys are read than the page needs: OFFSET 0 makes the
-- rest a look-up per key. Each array is sliced once; picking its days one by one would unpack it for every day.
SELECT k.course_id, k.student_id, d.feature_date, d.engagement_ma7, d.engagement_ma30, d.engagement_trend
FROM state.key AS k
CROSS JOIN LATERAL (
  SELECT
    s.first_day + cut.first + u.n::integer - 2 AS feature_date,
    u.ma7 AS engagement_ma7,
    u.ma30 AS engagement_ma30,
    u.trend AS engagement_trend
  FROM state.engagement_series AS s
  JOIN state.course AS c USING (course_id)
  CROSS JOIN LATERAL (
    SELECT greatest(1, c.as_of - s.first_day + 2 - $1::integer) AS first, c.as_of - s.first_day + 1 AS last
  ) AS cut
  CROSS JOIN LATERAL unnest(
    s.ma7[cut.first:cut.last],
    s.ma30[cut.first:cut.last],
    s.trend[cut.first:cut.last]
  ) WITH ORDINALITY AS u (ma7, ma30, trend, n)
  WHERE s.student_id = k.student_id AND s.course_id = k.course_id
  OFFSET 0
) AS d
WHERE k.family = 'engagement'
  AND k.course_id BETWEEN $2::integer AND $3::integer
  AND (k.course_id, k.student_id) >= ($4::integer, $5::integer)
  AND (k.course_id, k.student_id) <= ($7::integer, $8::integer)
  AND (k.course_id, k.student_id, d.feature_date) > ($4::integer, $5::integer, $6::date)
  AND (k.course_id, k.student_id, d.feature_date) <= ($7::integer, $8::integer, $9::date)
ORDER BY k.course_id, k.student_id, d.feature_date
LIMIT $10::integer OFFSET $11::integer
