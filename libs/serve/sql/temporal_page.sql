-- The days $4 … $5 of one student ($1) in the courses $2 … $3, newest first and then ordered by course: those after
-- ($6 day, $7 course) up to ($8, $9), $10 at most, after skipping the first $11.
SELECT
  course_id,
  feature_date,
  engagement_score_day,
  engagement_ma7,
  engagement_ma30,
  engagement_trend,
  grade_ma7,
  grade_ma30,
  activity_pattern,
  anomaly_flags
FROM temporal_features
WHERE student_id = $1::integer
  AND course_id BETWEEN $2::integer AND $3::integer
  AND feature_date BETWEEN $4::date AND $5::date
  AND (feature_date < $6::date OR (feature_date = $6::date AND course_id > $7::integer))
  AND (feature_date > $8::date OR (feature_date = $8::date AND course_id <= $9::integer))
ORDER BY feature_date DESC, course_id
LIMIT $10::integer OFFSET $11::integer
