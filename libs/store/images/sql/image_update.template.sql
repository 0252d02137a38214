-- Parameters as in image_insert; the rows are locked.
UPDATE state.image_{{table}} AS image
SET (epoch, lsn, live, toast, xid{{columns}}) = ROW (new.epoch, new.lsn, new.live, new.toast, new.xid{{newColumns}})
FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::boolean[], $5::jsonb[], $6::xid[]{{arrays}})
  AS new (id, epoch, lsn, live, toast, xid{{columns}})
WHERE image.id = new.id
