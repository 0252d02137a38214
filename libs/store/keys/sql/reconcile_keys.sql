-- The state rows of keys, in the given order, and whether something waits that will have the key derived again: a mark of its
-- own, one of its course, or an initial snapshot, which marks its keys at its end.
-- Found key by key (OFFSET 0 keeps it so): otherwise all keys and marks of the family would be read.
SELECT k.family IS NOT NULL AS known, coalesce(k.derived, false) AS derived,
  k.first_days, k.first_fact, k.last_fact, k.first_day, k.next_day,
  EXISTS (
    SELECT FROM state.key_mark AS mark
    WHERE mark.family = $1 AND mark.priority IN (0, 1, 2)
      AND mark.course_id = wanted.course_id AND mark.student_id = wanted.student_id
    OFFSET 0
  )
  OR EXISTS (
    SELECT FROM state.course_mark AS mark
    WHERE mark.course_id = wanted.course_id AND (NOT mark.of_class OR $1 = 'anomaly')
    OFFSET 0
  )
  OR EXISTS (SELECT FROM stream_progress WHERE phase = 'snapshot') AS waits
FROM unnest($2::integer[], $3::integer[]) WITH ORDINALITY AS wanted (course_id, student_id, n)
LEFT JOIN LATERAL (
  SELECT * FROM state.key
  WHERE family = $1 AND course_id = wanted.course_id AND student_id = wanted.student_id
  OFFSET 0
) AS k ON true
ORDER BY wanted.n
