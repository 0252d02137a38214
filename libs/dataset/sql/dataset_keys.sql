-- Every student of whom a course may have rows: each key gets its row in state.key before its last mark is removed.
SELECT student_id FROM state.key WHERE course_id = $1::integer AND family IN ('engagement', 'performance')
UNION
SELECT student_id FROM state.key_mark WHERE course_id = $1::integer AND family IN ('engagement', 'performance')
ORDER BY student_id
