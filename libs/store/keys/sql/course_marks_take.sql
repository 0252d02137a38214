-- Deletes the marks of courses ($1) that can be seen, but for those of a class whose time has not come; $2: it has.
DELETE FROM state.course_mark
WHERE course_id = ANY ($1::integer[]) AND (NOT of_class OR course_id = ANY ($2::integer[]))
RETURNING course_id, family, student_id, course_version, epoch, lsn, committed_at, awaited, of_class
