-- The known images of these rows, locked in order; once locked, the newest version of each is read.
SELECT id, epoch, lsn, live, toast, xid{{readColumns}}
FROM state.image_{{table}}
WHERE id = ANY ($1::uuid[])
ORDER BY id
FOR UPDATE
