-- The known images of these rows, without locking them.
SELECT id, epoch, lsn, live, toast, xid{{readColumns}}
FROM state.image_{{table}}
WHERE id = ANY ($1::uuid[])
