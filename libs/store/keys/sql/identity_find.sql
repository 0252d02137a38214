-- $1 source ids of students, $2 of courses: those that already have an integer.
SELECT 'student' AS kind, source_id, student_id AS id FROM student WHERE source_id = ANY ($1::uuid[])
UNION ALL
SELECT 'course', source_id, course_id FROM course WHERE source_id = ANY ($2::uuid[])
