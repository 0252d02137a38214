-- Students of whom anything is known in the course $3, after $1, $2 at most.
SELECT k.student_id, s.source_id AS student_source_id
FROM (
  SELECT DISTINCT student_id FROM state.key
  WHERE family IN ('engagement', 'performance') AND course_id = $3::integer AND student_id > $1::integer
  ORDER BY student_id
  LIMIT $2::integer
) AS k
JOIN student AS s USING (student_id)
ORDER BY k.student_id
