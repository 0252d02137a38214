-- Also removes the gaps of partitions that a recreated topic no longer has: nobody reads them, so nobody would close them.
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::integer[]) AS given (source_table, topic, partitions)
), unread AS (
  DELETE FROM state.stream_gap AS gap USING given
  WHERE starts_with(gap.stream, 'kafka:' || given.topic || ':')
    AND gap.stream NOT IN (SELECT 'kafka:' || given.topic || ':' || n FROM generate_series(0, given.partitions - 1) AS partition (n))
)
INSERT INTO state.topic (source_table, topic, partitions)
SELECT source_table, topic, partitions FROM given
ORDER BY source_table
ON CONFLICT (source_table) DO UPDATE SET topic = excluded.topic, partitions = excluded.partitions
WHERE (topic.topic, topic.partitions) IS DISTINCT FROM (excluded.topic, excluded.partitions)
