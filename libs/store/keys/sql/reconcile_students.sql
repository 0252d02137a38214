-- The last student of the next range of $2 after $1; no row if fewer follow.
SELECT student_id FROM student WHERE student_id > $1::integer ORDER BY student_id OFFSET $2::integer - 1 LIMIT 1
