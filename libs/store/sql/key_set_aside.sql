-- The marks that were taken told of rows that nothing has read: next time all are read.
UPDATE state.key SET set_aside = $4, folded = NULL
WHERE family = $1 AND course_id = $2::integer AND student_id = $3::integer
