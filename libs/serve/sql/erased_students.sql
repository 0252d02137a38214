SELECT encode(digest, 'hex') AS digest, student_id, (SELECT encode(salt, 'hex') FROM state.erasure_salt) AS salt
FROM state.erased_student ORDER BY digest
