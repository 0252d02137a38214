INSERT INTO grades (student_id, course_id, timestamp, grade_item, grade_value, grade_max)
VALUES ($1, $2, $3, $4, $5, $6)
