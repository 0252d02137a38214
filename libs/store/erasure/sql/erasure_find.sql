SELECT erasure_id, status, requested_at, requested_by, reason, source_id, student_id, encode(digest, 'hex') AS digest,
  removed_at, finished_at, removed, record, key_id, signature
FROM state.erasure
WHERE erasure_id = $1
