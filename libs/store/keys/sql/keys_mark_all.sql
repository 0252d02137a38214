-- Every key that has a row at the source, also those whose rows were all unreadable, and every key that had one.
INSERT INTO state.key_mark (family, course_id, student_id, priority, epoch, lsn, awaited)
SELECT family, course_id, student_id, $1::smallint, $2::integer, $3::bigint, true
FROM (
  SELECT 'engagement' AS family, course_id, student_id FROM state.image_activity_logs
  WHERE live AND course_id IS NOT NULL AND student_id IS NOT NULL
  UNION
  SELECT 'engagement', course_id, student_id FROM state.image_enrollments
  WHERE live AND course_id IS NOT NULL AND student_id IS NOT NULL
  UNION
  SELECT 'performance', course_id, student_id FROM state.image_grades
  WHERE live AND course_id IS NOT NULL AND student_id IS NOT NULL
  UNION
  SELECT family, course_id, student_id FROM state.key
) AS keys
