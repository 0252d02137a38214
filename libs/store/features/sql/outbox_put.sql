-- At most one entry per key, with a version that only grows; the feature row is sent as it is at that time. The relay, in
-- whichever process, is notified at the commit. noted_at stays that of the oldest waiting change.
WITH noted AS (
  INSERT INTO outbox (topic, student_id, course_id, version)
  SELECT $1, student_id, course_id, nextval('state.row_version')
  FROM unnest($2::integer[], $3::integer[]) AS changed (student_id, course_id)
  ORDER BY student_id, course_id
  ON CONFLICT (topic, student_id, course_id) DO UPDATE SET version = excluded.version
)
SELECT pg_notify('prepadata_outbox', $1)
