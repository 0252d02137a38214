SELECT course_id AS id, source_id FROM course WHERE source_id = $1::uuid
