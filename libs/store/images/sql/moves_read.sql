-- Not locked: whoever stages the second half of a move looks at the old row itself, in a later statement.
SELECT source_table, epoch, lsn, old_id, new_id
FROM state.split_move
JOIN unnest($1::text[], $2::integer[], $3::bigint[]) AS given (source_table, epoch, lsn) USING (source_table, epoch, lsn)
