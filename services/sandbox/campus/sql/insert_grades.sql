INSERT INTO grades (id, student_id, course_id, grade_item, grade_value, grade_max, timestamp)
SELECT *
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::numeric[], $6::numeric[], $7::timestamp[])
