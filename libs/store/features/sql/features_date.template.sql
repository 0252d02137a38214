-- The same features speak for another day now: only the stamp moves.
UPDATE {{table}} AS stored
SET as_of_date = incoming.as_of_date
FROM unnest($1::integer[], $2::integer[], $3::date[]) AS incoming (student_id, course_id, as_of_date)
WHERE stored.student_id = incoming.student_id AND stored.course_id = incoming.course_id
  AND stored.as_of_date <> incoming.as_of_date
RETURNING stored.student_id, stored.course_id
