UPDATE state.course
SET version = version + 1, covered_from = $2::integer[], first_fact = $3, last_fact = $4, as_of = $5::date
WHERE course_id = $1
RETURNING version
