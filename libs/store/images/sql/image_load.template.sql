-- Makes images of the rows of epoch $1's snapshot, in order of their ids: new ones, or in place of images of older epochs.
-- Images that are not older stay, and are not counted.
WITH written AS (
  INSERT INTO state.image_{{table}} AS known (id, epoch, lsn, live{{columns}})
  SELECT id, $1::integer, 0, true{{columns}} FROM pg_temp.incoming ORDER BY id
  ON CONFLICT (id) DO UPDATE
  SET (epoch, lsn, live, toast, xid{{columns}}) = ROW (excluded.epoch, 0, true, NULL, NULL{{loadedColumns}})
  WHERE known.epoch < excluded.epoch
  RETURNING 1
)
SELECT count(*)::integer AS rows FROM written
