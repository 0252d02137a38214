-- In order, so that two processes that see the same newcomers do not deadlock. Erased students get none.
INSERT INTO student (source_id)
SELECT source_id FROM unnest($1::uuid[]) AS newcomer (source_id)
WHERE NOT EXISTS (SELECT FROM state.erased_student AS erased WHERE erased.digest = state.student_digest(newcomer.source_id))
ORDER BY source_id
ON CONFLICT (source_id) DO NOTHING
