DELETE FROM activity_logs
WHERE id = (SELECT id FROM activity_logs
            WHERE student_id = $1 AND course_id = $2 AND activity_type = 'view'
            ORDER BY timestamp DESC, id
            LIMIT 1)
RETURNING 1 AS deleted
