-- Removes what was sent and has not changed since, and notes it as published; $5: the versions of tombstones. An entry that a
-- deriver holds is about to change, so it stays: waiting for it could deadlock, and would make the relay wait for a whole
-- derivation. Found key by key (OFFSET 0 keeps it so): by its statistics a queue is nearly empty, and the planner would read
-- all of it.
WITH gone AS (
  DELETE FROM outbox
  WHERE ctid = ANY (ARRAY(
    SELECT found.ctid
    FROM unnest($2::integer[], $3::integer[], $4::bigint[]) AS sent (student_id, course_id, version)
    CROSS JOIN LATERAL (
      SELECT o.ctid FROM outbox AS o
      WHERE o.topic = $1 AND o.student_id = sent.student_id AND o.course_id = sent.course_id AND o.version = sent.version
      OFFSET 0
      FOR UPDATE SKIP LOCKED
    ) AS found
  ))
  RETURNING student_id, course_id, version
)
INSERT INTO state.published AS known (topic, student_id, course_id, version, is_tombstone)
SELECT $1, student_id, course_id, version, version = ANY ($5::bigint[]) FROM gone
ON CONFLICT (topic, student_id, course_id) DO UPDATE
SET version = excluded.version, is_tombstone = excluded.is_tombstone
WHERE known.version < excluded.version
