-- Marked keys of a family, each once per priority, the most urgent first: in the order of priorities ($3), and for each from
-- the key after ($4, $5) on and then from the beginning, so that none waits for ever behind others. None while a snapshot is
-- read, since nothing is derived then.
SELECT turn.priority, next.course_id, next.student_id,
  -- Instead of EXISTS, for which the planner may read all keys first.
  (
    SELECT true FROM state.key AS k
    WHERE k.family = $1 AND k.course_id = next.course_id AND k.student_id = next.student_id
  ) IS NOT NULL AS known
FROM unnest($3::smallint[], $4::integer[], $5::integer[]) WITH ORDINALITY AS turn (priority, course_id, student_id, n)
CROSS JOIN LATERAL (
  (
    SELECT DISTINCT mark.course_id, mark.student_id FROM state.key_mark AS mark
    WHERE mark.family = $1 AND mark.priority = turn.priority
      AND (mark.course_id, mark.student_id) > (turn.course_id, turn.student_id)
    ORDER BY mark.course_id, mark.student_id
    LIMIT $2::integer
  )
  UNION ALL
  (
    SELECT DISTINCT mark.course_id, mark.student_id FROM state.key_mark AS mark
    WHERE mark.family = $1 AND mark.priority = turn.priority
      AND (mark.course_id, mark.student_id) <= (turn.course_id, turn.student_id)
    ORDER BY mark.course_id, mark.student_id
    LIMIT $2::integer
  )
) AS next
WHERE NOT EXISTS (SELECT FROM stream_progress WHERE phase = 'snapshot')
ORDER BY turn.n
LIMIT $2::integer
