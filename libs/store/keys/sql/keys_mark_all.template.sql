-- Marks every key that has a row at the source, even if all of its rows are unreadable, and every key that has had one.
INSERT INTO state.key_mark (family, course_id, student_id, priority, epoch, lsn, awaited)
SELECT family, course_id, student_id, $1::smallint, $2::integer, $3::bigint, true
FROM (
  {{keysOfRows}}
  UNION
  SELECT family, course_id, student_id FROM state.key
) AS keys
