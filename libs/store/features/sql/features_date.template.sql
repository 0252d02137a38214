-- Unchanged features now speak for another day: only the as-of date moves. Found key by key (OFFSET 0 keeps it so), whatever
-- the planner thinks of the table's size; the ctids stay valid, since only the holder of the key's lock writes the row.
UPDATE {{table}} AS stored
SET as_of_date = (
  SELECT given.as_of_date FROM unnest($1::integer[], $2::integer[], $3::date[]) AS given (student_id, course_id, as_of_date)
  WHERE given.student_id = stored.student_id AND given.course_id = stored.course_id
)
WHERE stored.ctid = ANY (ARRAY(
  SELECT found.ctid
  FROM unnest($1::integer[], $2::integer[], $3::date[]) AS incoming (student_id, course_id, as_of_date)
  CROSS JOIN LATERAL (
    SELECT own.ctid FROM {{table}} AS own
    WHERE own.student_id = incoming.student_id AND own.course_id = incoming.course_id
      AND own.as_of_date <> incoming.as_of_date
    OFFSET 0
  ) AS found
))
RETURNING stored.student_id, stored.course_id
