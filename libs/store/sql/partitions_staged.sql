UPDATE stream_progress SET snapshot_staged = $2::integer
WHERE stream = ANY ($1::text[]) AND snapshot_staged < $2::integer
