-- Recent submissions, each with the names of the items that have a mark.
SELECT a.student_id, a.course_id, a.resource_id,
  ARRAY(SELECT g.grade_item FROM grades g
        WHERE g.student_id = a.student_id AND g.course_id = a.course_id AND g.grade_value > 0) AS marked
FROM activity_logs a
JOIN courses c ON c.id = a.course_id
WHERE a.activity_type = 'submission' AND a.timestamp >= $2 AND starts_with(c.external_id, $1)
GROUP BY a.student_id, a.course_id, a.resource_id
ORDER BY a.student_id, a.course_id, a.resource_id
