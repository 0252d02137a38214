DELETE FROM state.connector WHERE name = $1
