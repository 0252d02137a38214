-- The next keys of a family in order, whether they have a feature row or not, locked as derivers lock them.
SELECT course_id, student_id FROM state.key
WHERE family = $1 AND (course_id, student_id) > ($2::integer, $3::integer)
ORDER BY course_id, student_id
LIMIT $4::integer
FOR UPDATE
