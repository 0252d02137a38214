-- Inserts images of rows never seen before; the ids of known rows are missing from the result.
INSERT INTO state.image_{{table}} (id, epoch, lsn, live, toast, xid{{columns}})
SELECT id, epoch, lsn, live, toast, xid{{columns}}
FROM unnest($1::uuid[], $2::integer[], $3::bigint[], $4::boolean[], $5::jsonb[], $6::xid[]{{arrays}})
  AS image (id, epoch, lsn, live, toast, xid{{columns}})
ORDER BY id
ON CONFLICT (id) DO NOTHING
RETURNING id
