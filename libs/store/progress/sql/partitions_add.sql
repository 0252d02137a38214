-- Partitions seen for the first time begin at offset 0, the first record there ever was.
INSERT INTO stream_progress (stream, epoch, applied, phase, origin)
SELECT given.stream, coalesce((SELECT max(epoch) FROM state.epoch WHERE stream = $3), 0), 0, 'streaming', $2
FROM unnest($1::text[]) AS given (stream)
ORDER BY given.stream
ON CONFLICT (stream) DO NOTHING
