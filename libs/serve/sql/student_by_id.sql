SELECT student_id AS id, source_id FROM student WHERE student_id = $1::integer
