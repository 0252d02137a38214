SELECT stream, epoch, applied, last_record AS "lastRecord", origin FROM stream_progress WHERE stream = ANY ($1::text[])
