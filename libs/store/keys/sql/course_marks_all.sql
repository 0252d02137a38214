INSERT INTO state.course_mark (course_id, awaited, of_class)
SELECT course_id, $1::boolean, of_class FROM state.course, unnest(ARRAY[false, true]) AS of_class WHERE $1::boolean OR NOT of_class
ORDER BY course_id
