UPDATE state.key SET set_aside = $4 WHERE family = $1 AND course_id = $2::integer AND student_id = $3::integer
