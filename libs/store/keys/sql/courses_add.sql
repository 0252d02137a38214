-- Version 0: nothing is known of the course yet, and until then none of its keys gets features.
INSERT INTO state.course (course_id, version, covered_from, as_of)
SELECT course_id, 0, $2::integer[], today
FROM unnest($1::integer[]) AS wanted (course_id), state.calendar
ORDER BY course_id
ON CONFLICT (course_id) DO NOTHING
