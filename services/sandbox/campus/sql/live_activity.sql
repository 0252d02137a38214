INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp, resource_id, duration_seconds, metadata)
VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb)
