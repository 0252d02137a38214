-- Marks every key of a course that moved, in these families.
INSERT INTO state.key_mark (family, course_id, student_id, priority, awaited, new_rows)
SELECT family, course_id, student_id, 2, $3::boolean, '{}' FROM state.key WHERE course_id = $1 AND family = ANY ($2::text[])
