-- Keys of a family with marks of one priority, each once, from the one after ($4, $5) on and then from the beginning, so
-- that none waits for ever behind others. While a snapshot is read nothing is derived.
SELECT next.course_id, next.student_id,
  EXISTS (
    SELECT FROM state.key AS k
    WHERE k.family = $1 AND k.course_id = next.course_id AND k.student_id = next.student_id
  ) AS known
FROM (
  (
    SELECT DISTINCT course_id, student_id FROM state.key_mark
    WHERE family = $1 AND priority = $2::smallint AND (course_id, student_id) > ($4::integer, $5::integer)
    ORDER BY course_id, student_id
    LIMIT $3::integer
  )
  UNION ALL
  (
    SELECT DISTINCT course_id, student_id FROM state.key_mark
    WHERE family = $1 AND priority = $2::smallint AND (course_id, student_id) <= ($4::integer, $5::integer)
    ORDER BY course_id, student_id
    LIMIT $3::integer
  )
) AS next
WHERE NOT EXISTS (SELECT FROM stream_progress WHERE phase = 'snapshot')
LIMIT $3::integer
