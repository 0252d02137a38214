-- What one student has handed in and completed in one course, and the latest grade of each item.
SELECT
  ARRAY(SELECT DISTINCT resource_id::text FROM activity_logs
        WHERE student_id = $1 AND course_id = $2 AND activity_type = 'submission') AS submitted,
  ARRAY(SELECT DISTINCT resource_id::text FROM activity_logs
        WHERE student_id = $1 AND course_id = $2 AND activity_type = 'completion'
          AND metadata ->> 'state' IN ('1', '2')) AS done,
  (SELECT coalesce(json_agg(latest), '[]')
   FROM (SELECT DISTINCT ON (grade_item) id, grade_item AS item, grade_value::float8 AS value, grade_max::float8 AS max
         FROM grades
         WHERE student_id = $1 AND course_id = $2 AND grade_item IS NOT NULL AND grade_max > 0
         ORDER BY grade_item, timestamp DESC NULLS LAST, grade_value DESC NULLS LAST) latest) AS grades
