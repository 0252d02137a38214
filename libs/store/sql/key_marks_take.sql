-- Deletes every mark of the claimed keys that can be seen; answers the greatest position and commit time of each key's.
WITH gone AS (
  DELETE FROM state.key_mark AS mark
  USING unnest($2::integer[], $3::integer[]) AS claimed (course_id, student_id)
  WHERE mark.family = $1 AND mark.priority IN (0, 1, 2)
    AND mark.course_id = claimed.course_id AND mark.student_id = claimed.student_id
  RETURNING mark.course_id, mark.student_id, mark.epoch, mark.lsn, mark.committed_at
)
SELECT DISTINCT ON (course_id, student_id)
  course_id, student_id, epoch, lsn,
  max(committed_at) OVER (PARTITION BY course_id, student_id) AS committed_at
FROM gone
ORDER BY course_id, student_id, epoch DESC NULLS LAST, lsn DESC
