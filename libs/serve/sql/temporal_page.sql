-- The days of one student ($1) in the courses $2 … $3, of $4 … $5, newest first; the $8 after ($6 day, $7 course).
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
ORDER BY feature_date DESC, course_id
LIMIT $8::integer
