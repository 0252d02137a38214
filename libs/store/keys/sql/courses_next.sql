-- Courses that have marks, each once: from one to the next by the index, however many marks each has.
WITH RECURSIVE marked AS (
  (SELECT course_id FROM state.course_mark ORDER BY course_id LIMIT 1)
  UNION ALL
  SELECT (SELECT mark.course_id FROM state.course_mark AS mark WHERE mark.course_id > marked.course_id ORDER BY mark.course_id LIMIT 1)
  FROM marked
  WHERE marked.course_id IS NOT NULL
)
SELECT course_id FROM marked WHERE course_id IS NOT NULL LIMIT $1::integer
