-- The newest unfinished erasure of this student, else the newest.
SELECT erasure_id, status FROM state.erasure
WHERE source_id = $1 OR digest = state.student_digest($1)
ORDER BY status = 'finished', requested_at DESC
LIMIT 1
