-- Initial snapshots of the source that are under way, and how the stream $1 stands in any case.
SELECT stream, epoch, phase FROM stream_progress WHERE phase = 'snapshot' OR stream = $1 ORDER BY stream
