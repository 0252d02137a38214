SELECT student_id AS id, source_id FROM student WHERE source_id = $1::uuid
