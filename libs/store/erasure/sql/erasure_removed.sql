UPDATE state.erasure
SET status = 'removed', removed_at = clock_timestamp(), removed = $2::text::jsonb, student_id = $3::integer,
  digest = state.student_digest(source_id), source_id = NULL
WHERE erasure_id = $1
