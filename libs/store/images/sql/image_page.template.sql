-- Live images after $1, in order of their ids, at most $2.
SELECT id, epoch, lsn, live, toast, xid{{readColumns}}
FROM state.image_{{table}}
WHERE live AND id > $1::uuid
ORDER BY id
LIMIT $2::integer
