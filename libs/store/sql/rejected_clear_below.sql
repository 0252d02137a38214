DELETE FROM rejected_change WHERE source_table = $1 AND (epoch, lsn) < ($2::integer, $3::bigint)
