-- Our ids of those students of whom there is something to see.
SELECT s.source_id::text, s.student_id
FROM student AS s
WHERE s.source_id = ANY($1::uuid[])
  AND EXISTS (SELECT FROM student_metrics AS m WHERE m.student_id = s.student_id)
