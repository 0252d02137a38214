-- What an erasure still waits for: a topic that lacks its tombstones, a run about the student that has not ended.
SELECT
  ARRAY(SELECT DISTINCT topic FROM outbox WHERE topic = ANY ($2::text[]) AND student_id = $1::integer ORDER BY topic) AS topics,
  EXISTS (
    SELECT FROM state.pipeline_run
    WHERE scope ->> 'student_id' = $1::integer::text AND status IN ('queued', 'running')
  ) AS is_run
