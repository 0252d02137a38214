UPDATE grades SET grade_value = $2, timestamp = $3 WHERE id = $1
