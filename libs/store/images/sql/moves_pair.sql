-- Stages a half of a move; whoever stages the second half gets both ids, after waiting for the first one to be committed.
INSERT INTO state.split_move AS known (source_table, epoch, lsn, old_id, new_id)
SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::uuid[], $5::uuid[])
  AS given (source_table, epoch, lsn, old_id, new_id)
ORDER BY source_table, epoch, lsn
ON CONFLICT (source_table, epoch, lsn) DO UPDATE
SET old_id = coalesce(excluded.old_id, known.old_id), new_id = coalesce(excluded.new_id, known.new_id)
RETURNING source_table, epoch, lsn, old_id, new_id
