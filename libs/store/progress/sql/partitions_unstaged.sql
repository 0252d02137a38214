-- Tables ($2) whose topic may still hold rows of the newest epoch's initial snapshot, and in how many partitions; also those
-- whose topic nobody has read yet. Nothing until that snapshot is in the topics, as the phase of the stream $1 tells.
SELECT wanted.source_table, newest.epoch, count(*) AS partitions
FROM stream_progress AS newest
CROSS JOIN unnest($2::text[]) AS wanted (source_table)
LEFT JOIN state.topic AS topic USING (source_table)
LEFT JOIN LATERAL generate_series(0, topic.partitions - 1) AS partition (n) ON true
LEFT JOIN stream_progress AS own ON own.stream = 'kafka:' || topic.topic || ':' || partition.n
WHERE newest.stream = $1 AND newest.phase = 'streaming' AND coalesce(own.snapshot_staged, 0) < newest.epoch
GROUP BY wanted.source_table, newest.epoch
ORDER BY wanted.source_table
