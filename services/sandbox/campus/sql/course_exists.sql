SELECT EXISTS (SELECT FROM courses WHERE id = $1) AS present
