INSERT INTO state.course_mark (course_id, awaited) SELECT course_id, $1::boolean FROM state.course ORDER BY course_id
