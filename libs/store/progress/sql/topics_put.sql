INSERT INTO state.topic (source_table, topic, partitions)
SELECT source_table, topic, partitions
FROM unnest($1::text[], $2::text[], $3::integer[]) AS given (source_table, topic, partitions)
ORDER BY source_table
ON CONFLICT (source_table) DO UPDATE SET topic = excluded.topic, partitions = excluded.partitions
WHERE (topic.topic, topic.partitions) IS DISTINCT FROM (excluded.topic, excluded.partitions)
