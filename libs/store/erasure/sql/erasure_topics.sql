-- Notes a tombstone for every row of the student that the topics have, or are just being sent.
WITH told AS (
  SELECT topic, course_id FROM state.published WHERE topic = ANY ($2::text[]) AND student_id = $1::integer AND NOT is_tombstone
  UNION
  SELECT topic, course_id FROM outbox WHERE topic = ANY ($2::text[]) AND student_id = $1::integer
), noted AS (
  INSERT INTO outbox (topic, student_id, course_id, version)
  SELECT topic, $1::integer, course_id, nextval('state.row_version') FROM told ORDER BY topic, course_id
  ON CONFLICT (topic, student_id, course_id) DO UPDATE SET version = excluded.version
)
SELECT pg_notify('prepadata_outbox', topic) FROM (SELECT DISTINCT topic FROM told) AS topics
