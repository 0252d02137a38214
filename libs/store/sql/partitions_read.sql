SELECT stream, epoch, applied, origin FROM stream_progress WHERE stream = ANY ($1::text[])
