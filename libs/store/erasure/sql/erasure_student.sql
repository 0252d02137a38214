-- Our integer for the student, and the one an erased student had: a process at work during the erasure may have left rows.
SELECT
  (SELECT student_id FROM student WHERE source_id = $1::uuid) AS student_id,
  (SELECT student_id FROM state.erased_student WHERE digest = state.student_digest($1::uuid)) AS erased_id
