SELECT stream, epoch, applied, phase, origin FROM stream_progress WHERE stream = $1
