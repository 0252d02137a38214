INSERT INTO activity_logs (id, student_id, course_id, activity_type, resource_id, duration_seconds, timestamp, metadata)
SELECT *
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::integer[], $7::timestamp[], $8::jsonb[])
