-- At most one row a key, with a version that only grows; what is sent is the row as it then is.
INSERT INTO outbox (topic, student_id, course_id, version)
SELECT $1, student_id, course_id, nextval('state.row_version')
FROM unnest($2::integer[], $3::integer[]) AS changed (student_id, course_id)
ORDER BY student_id, course_id
ON CONFLICT (topic, student_id, course_id) DO UPDATE SET version = excluded.version
