-- First readings of the source that are under way.
SELECT stream, epoch FROM stream_progress WHERE phase = 'snapshot' ORDER BY stream
