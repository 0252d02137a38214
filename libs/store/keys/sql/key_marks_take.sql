-- Deletes every visible mark of the claimed keys; returns for each key the greatest position and commit time, whether a mark
-- is awaited, and the new rows, if all marks name theirs.
-- Found key by key (OFFSET 0 keeps it so): by its statistics a queue looks empty, and the planner would compare every mark
-- with every key. The ctids stay valid, since only the holder of the key's lock deletes its marks.
WITH gone AS (
  DELETE FROM state.key_mark AS mark
  WHERE mark.ctid = ANY (ARRAY(
    SELECT found.ctid
    FROM unnest($2::integer[], $3::integer[]) AS claimed (course_id, student_id)
    CROSS JOIN LATERAL (
      SELECT own.ctid FROM state.key_mark AS own
      WHERE own.family = $1 AND own.priority IN (0, 1, 2)
        AND own.course_id = claimed.course_id AND own.student_id = claimed.student_id
      OFFSET 0
    ) AS found
  ))
  RETURNING mark.course_id, mark.student_id, mark.epoch, mark.lsn, mark.committed_at, mark.awaited, mark.new_rows
)
SELECT course_id, student_id,
  max(epoch) AS epoch,
  (array_agg(lsn ORDER BY epoch DESC NULLS LAST, lsn DESC NULLS LAST))[1] AS lsn,
  max(committed_at) AS committed_at,
  bool_or(awaited) AS awaited,
  bool_and(new_rows IS NOT NULL) AS are_named,
  string_agg(nullif(array_to_string(new_rows, ' '), ''), ' ') AS new_rows
FROM gone
GROUP BY course_id, student_id
