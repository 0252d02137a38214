DELETE FROM state.{{family}}_series AS stored
USING unnest($1::integer[], $2::integer[]) AS gone (student_id, course_id)
WHERE stored.student_id = gone.student_id AND stored.course_id = gone.course_id
RETURNING stored.student_id, stored.course_id
