INSERT INTO state.course_mark (course_id) SELECT course_id FROM state.course ORDER BY course_id
