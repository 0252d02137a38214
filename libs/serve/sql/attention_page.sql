-- The open attentions of the courses $1 … $2 that opened within the last $3 days of their course (null: at any time), most
-- points first, then the longest without an active day, then by student and course; without students who have been gone for
-- more than $9 days. Reads the $8 after ($4 points, $5 days, $6 student, $7 course). A student who was never active counts as
-- gone for -1 days, and so comes last.
SELECT
  a.student_id, s.source_id AS student_source_id, a.course_id, c.source_id AS course_source_id,
  a.attention, a.absent, a.missing_work, a.low_marks, e.days_inactive, a.as_of_date AS as_of,
  place.points, place.gone
FROM anomaly_features AS a
JOIN student AS s USING (student_id)
JOIN course AS c USING (course_id)
LEFT JOIN engagement_features AS e USING (student_id, course_id)
CROSS JOIN LATERAL (
  SELECT (a.attention ->> 'value')::integer AS points, coalesce(e.days_inactive, -1) AS gone
) AS place
WHERE a.attention IS NOT NULL AND a.course_id BETWEEN $1::integer AND $2::integer
  AND place.gone <= $9::integer
  AND ($3::integer IS NULL OR (a.attention ->> 'since')::date > a.as_of_date - $3::integer)
  AND (-place.points, -place.gone, a.student_id, a.course_id) > (-$4::integer, -$5::integer, $6::integer, $7::integer)
ORDER BY place.points DESC, place.gone DESC, a.student_id, a.course_id
LIMIT $8::integer
