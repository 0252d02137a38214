-- Adds the row of keys seen for the first time, in order, and mostly in a short transaction of its own. None for students
-- erased since they were marked.
INSERT INTO state.key (family, course_id, student_id)
SELECT $1, course_id, student_id
FROM unnest($2::integer[], $3::integer[]) AS wanted (course_id, student_id)
-- Instead of EXISTS, for which the planner may read all keys first.
WHERE (
  SELECT true FROM state.key AS known
  WHERE known.family = $1 AND known.course_id = wanted.course_id AND known.student_id = wanted.student_id
) IS NULL
  AND (SELECT true FROM student WHERE student.student_id = wanted.student_id)
ORDER BY course_id, student_id
ON CONFLICT (family, course_id, student_id) DO NOTHING
RETURNING 1 AS added
