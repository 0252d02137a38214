-- Deletes the visible marks of courses ($1); those for the class only for courses ($2) whose class may be derived now.
DELETE FROM state.course_mark
WHERE course_id = ANY ($1::integer[]) AND (NOT of_class OR course_id = ANY ($2::integer[]))
RETURNING course_id, family, student_id, course_version, epoch, lsn, committed_at, awaited, of_class
