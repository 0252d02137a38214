SELECT count(*) AS keys FROM state.key
WHERE family = $1 AND ($2::integer IS NULL OR course_id = $2::integer) AND ($3::integer IS NULL OR student_id = $3::integer)
