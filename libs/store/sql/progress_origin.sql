UPDATE stream_progress SET origin = $3 WHERE stream = $1 AND epoch = $2::integer
