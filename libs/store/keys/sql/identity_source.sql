-- The source ids of our integers.
SELECT
  (SELECT source_id FROM student WHERE student_id = $1::integer) AS student,
  (SELECT source_id FROM course WHERE course_id = $2::integer) AS course
