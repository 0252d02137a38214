-- The epoch in which the gap was first noted stays: only a newer one closes it.
INSERT INTO state.stream_gap (stream, epoch, said)
VALUES ($1, coalesce((SELECT max(epoch) FROM state.epoch WHERE stream = $3), 0), $2)
ON CONFLICT (stream) DO UPDATE SET said = excluded.said
