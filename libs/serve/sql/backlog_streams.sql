-- Streams whose initial snapshot is under way, and in any case the stream $1.
SELECT stream, epoch, phase FROM stream_progress WHERE phase = 'snapshot' OR stream = $1 ORDER BY stream
