-- The last student of the next range after $1; null when all that follow fit into it.
SELECT student_id FROM student WHERE student_id > $1::integer ORDER BY student_id OFFSET $2::integer - 1 LIMIT 1
