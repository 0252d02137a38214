-- Keys with a row that was in the future and is no longer.
INSERT INTO state.key_mark (family, course_id, student_id, priority, new_rows)
SELECT family, course_id, student_id, 2, '{}' FROM state.key WHERE next_day <= $1::integer
