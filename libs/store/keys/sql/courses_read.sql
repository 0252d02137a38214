SELECT course_id, version, covered_from, first_fact, as_of FROM state.course WHERE course_id = ANY ($1::integer[])
