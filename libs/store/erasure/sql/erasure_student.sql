-- What our rows call the student, or called whoever is erased: something may have been left by who was at work just then.
SELECT
  (SELECT student_id FROM student WHERE source_id = $1::uuid) AS student_id,
  (SELECT student_id FROM state.erased_student WHERE digest = state.student_digest($1::uuid)) AS erased_id
