-- Live images after $1 up to $2, as text to compare with the source's, at most $4; of the student $5 and the course $6, if
-- given (in the tables of students and courses: with these ids). The transaction is left out unless its epoch is $3.
-- For a session that plans for the given values: in a generic plan, conditions that may be absent cannot use an index.
SELECT id, CASE WHEN epoch = $3::integer THEN xid END{{columns}}
FROM state.image_{{table}}
WHERE live AND ($1::uuid IS NULL OR id > $1) AND ($2::uuid IS NULL OR id <= $2)
  AND ($5::{{scopeType}} IS NULL OR {{student}} = $5) AND ($6::{{scopeType}} IS NULL OR {{course}} = $6)
ORDER BY id
LIMIT $4::integer
