-- Live images after $1 up to $2, as text to be compared with the source's: $4 at most, of the student $5 and the course $6
-- (of those tables themselves: with these ids) where given. Whoever wrote an image in an older epoch than $3 is not asked for.
-- For a session that plans by values: planned for any, what may be left out is no condition of an index.
SELECT id, CASE WHEN epoch = $3::integer THEN xid END{{columns}}
FROM state.image_{{table}}
WHERE live AND ($1::uuid IS NULL OR id > $1) AND ($2::uuid IS NULL OR id <= $2)
  AND ($5::{{scopeType}} IS NULL OR {{student}} = $5) AND ($6::{{scopeType}} IS NULL OR {{course}} = $6)
ORDER BY id
LIMIT $4::integer
