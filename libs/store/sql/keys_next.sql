-- Keys of a family with marks of one priority. While a snapshot is read nothing is derived.
SELECT DISTINCT course_id, student_id
FROM state.key_mark
WHERE family = $1 AND priority = $2::smallint
  AND NOT EXISTS (SELECT FROM stream_progress WHERE phase = 'snapshot')
LIMIT $3::integer
