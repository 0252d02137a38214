-- The known images of these rows as they stand, unlocked.
SELECT id, epoch, lsn, live, toast, xid{{readColumns}}
FROM state.image_{{table}}
WHERE id = ANY ($1::uuid[])
