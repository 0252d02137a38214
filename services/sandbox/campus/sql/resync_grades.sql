-- "g.timestamp", since ORDER BY would take a bare name as the result column, which is the same in every row.
-- The LMS knows one value per item: that of the latest row. The new row has the time of the synchronisation.
WITH added AS (
  INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, timestamp)
  SELECT DISTINCT ON (student_id, course_id, grade_item)
    student_id, course_id, grade_item, grade_value, grade_max, $2::timestamp
  FROM grades g
  WHERE student_id IS NOT NULL AND course_id IS NOT NULL AND grade_item IS NOT NULL
    AND timestamp <= $2 AND ($1::uuid IS NULL OR course_id = $1)
  ORDER BY student_id, course_id, grade_item, g.timestamp DESC, grade_value DESC NULLS LAST, grade_max DESC NULLS LAST
  RETURNING 1
)
SELECT count(*)::integer AS rows FROM added
