SELECT stream, epoch, phase, applied, committed_at, updated_at FROM stream_progress ORDER BY stream
