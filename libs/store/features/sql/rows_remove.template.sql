-- Found key by key (OFFSET 0 keeps it so), whatever the planner thinks of the table's size; the ctids stay valid, since only
-- the holder of the key's lock writes the row.
DELETE FROM {{table}} AS stored
WHERE stored.ctid = ANY (ARRAY(
  SELECT found.ctid
  FROM unnest($1::integer[], $2::integer[]) AS gone (student_id, course_id)
  CROSS JOIN LATERAL (
    SELECT own.ctid FROM {{table}} AS own
    WHERE own.student_id = gone.student_id AND own.course_id = gone.course_id
    OFFSET 0
  ) AS found
))
RETURNING stored.student_id, stored.course_id
