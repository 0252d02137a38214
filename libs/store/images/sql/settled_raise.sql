-- A settled position only moves forward.
INSERT INTO state.settled AS known (source_table, epoch, lsn)
VALUES ($1, $2, $3)
ON CONFLICT (source_table) DO UPDATE SET epoch = excluded.epoch, lsn = excluded.lsn
WHERE (known.epoch, known.lsn) < (excluded.epoch, excluded.lsn)
