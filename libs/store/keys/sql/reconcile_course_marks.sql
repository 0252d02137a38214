INSERT INTO state.course_mark (course_id, of_class) SELECT course_id, $2::boolean FROM unnest($1::integer[]) AS wanted (course_id) ORDER BY course_id
