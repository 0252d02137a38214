SELECT course_id AS id, source_id FROM course WHERE course_id = $1::integer
