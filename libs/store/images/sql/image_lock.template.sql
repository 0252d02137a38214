-- The known images of these rows, locked in order; under the lock this reads their newest version.
SELECT id, epoch, lsn, live, toast, xid{{readColumns}}
FROM state.image_{{table}}
WHERE id = ANY ($1::uuid[])
ORDER BY id
FOR UPDATE
