INSERT INTO course (source_id)
SELECT source_id FROM unnest($1::uuid[]) AS newcomer (source_id) ORDER BY source_id
ON CONFLICT (source_id) DO NOTHING
