SELECT id, firstname || ' ' || lastname AS name
FROM students
WHERE starts_with(external_id, $1)
ORDER BY external_id
