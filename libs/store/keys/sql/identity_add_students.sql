-- In order, so that two processes that meet the same newcomers do not wait for each other crosswise. Who was erased gets none.
INSERT INTO student (source_id)
SELECT source_id FROM unnest($1::uuid[]) AS newcomer (source_id)
WHERE NOT EXISTS (SELECT FROM state.erased_student AS erased WHERE erased.digest = state.student_digest(newcomer.source_id))
ORDER BY source_id
ON CONFLICT (source_id) DO NOTHING
