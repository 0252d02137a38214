SELECT stream, said FROM state.stream_gap WHERE epoch = $1::integer ORDER BY noticed_at LIMIT 1
