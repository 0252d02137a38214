SELECT max(epoch) AS epoch FROM state.epoch WHERE stream = $1 HAVING max(epoch) IS NOT NULL
