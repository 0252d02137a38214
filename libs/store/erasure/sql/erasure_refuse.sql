-- From now on nothing of the student is taken in.
INSERT INTO state.erased_student AS known (digest, student_id)
VALUES (state.student_digest($1::uuid), $2::integer)
ON CONFLICT (digest) DO UPDATE SET student_id = coalesce(excluded.student_id, known.student_id)
