INSERT INTO enrollments (student_id, course_id, enrolled_at) VALUES ($1, $2, $3)
