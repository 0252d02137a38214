-- At most one row a key, with a version that only grows; what is sent is the row as it then is. The relay, in whatever
-- process it is, hears of it at the commit. noted_at stays that of the oldest change that waits.
WITH noted AS (
  INSERT INTO outbox (topic, student_id, course_id, version)
  SELECT $1, student_id, course_id, nextval('state.row_version')
  FROM unnest($2::integer[], $3::integer[]) AS changed (student_id, course_id)
  ORDER BY student_id, course_id
  ON CONFLICT (topic, student_id, course_id) DO UPDATE SET version = excluded.version
)
SELECT pg_notify('prepadata_outbox', $1)
