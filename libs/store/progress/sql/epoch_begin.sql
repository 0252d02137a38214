WITH begun AS (
  INSERT INTO state.epoch (stream, origin, reason) VALUES ($1, $2, $3) RETURNING epoch, stream, origin
)
INSERT INTO stream_progress (stream, epoch, applied, phase, origin)
SELECT stream, epoch, 0, 'snapshot', origin FROM begun
ON CONFLICT (stream) DO UPDATE
SET epoch = excluded.epoch, applied = 0, phase = 'snapshot', origin = excluded.origin, updated_at = now()
RETURNING epoch
