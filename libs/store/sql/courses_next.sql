SELECT DISTINCT course_id FROM state.course_mark LIMIT $1::integer
