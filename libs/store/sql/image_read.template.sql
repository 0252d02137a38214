-- The known images of these rows as they stand, unlocked.
SELECT id, epoch, lsn, live, toast{{readColumns}}
FROM state.image_{{table}}
WHERE id = ANY ($1::uuid[])
