DELETE FROM state.course_mark WHERE course_id = ANY ($1::integer[])
RETURNING course_id, family, student_id, course_version, epoch, lsn, committed_at, awaited
