-- In order, so that two processes that meet the same newcomers do not wait for each other crosswise.
INSERT INTO student (source_id)
SELECT source_id FROM unnest($1::uuid[]) AS newcomer (source_id) ORDER BY source_id
ON CONFLICT (source_id) DO NOTHING
