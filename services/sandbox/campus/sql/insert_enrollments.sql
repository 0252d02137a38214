INSERT INTO enrollments (id, student_id, course_id, enrolled_at)
SELECT *
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamp[])
