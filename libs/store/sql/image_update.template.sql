-- $1 … as in image_insert; the rows are locked.
UPDATE state.image_{{table}} AS image
SET (epoch, lsn, live, toast{{columns}}) = ROW (new.epoch, new.lsn, new.live, new.toast{{newColumns}})
FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::boolean[], $5::jsonb[]{{arrays}})
  AS new (id, epoch, lsn, live, toast{{columns}})
WHERE image.id = new.id
