-- Notes keys again with the versions they were read with. A new version would have to be drawn under the key's lock: otherwise
-- a tombstone could get a greater version than a row that is just being written.
INSERT INTO outbox (topic, student_id, course_id, version)
SELECT $1, student_id, course_id, version
FROM unnest($2::integer[], $3::integer[], $4::bigint[]) AS unconfirmed (student_id, course_id, version)
ORDER BY student_id, course_id
ON CONFLICT (topic, student_id, course_id) DO NOTHING
