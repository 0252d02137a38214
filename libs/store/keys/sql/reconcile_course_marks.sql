INSERT INTO state.course_mark (course_id) SELECT course_id FROM unnest($1::integer[]) AS wanted (course_id) ORDER BY course_id
