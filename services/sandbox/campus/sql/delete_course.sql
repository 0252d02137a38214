DELETE FROM courses WHERE id = $1
