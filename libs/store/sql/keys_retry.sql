-- What could not be derived is tried once more.
INSERT INTO state.key_mark (family, course_id, student_id, priority)
SELECT family, course_id, student_id, 2 FROM state.key WHERE family = $1 AND set_aside IS NOT NULL
