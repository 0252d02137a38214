DELETE FROM state.stream_gap WHERE stream = ANY ($1::text[])
