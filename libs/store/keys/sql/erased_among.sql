-- The erased ones among these students. Nearly always nobody was erased, and then no digest is computed.
SELECT given.id
FROM unnest($1::uuid[]) AS given (id)
WHERE EXISTS (SELECT FROM state.erased_student)
  AND state.student_digest(given.id) IN (SELECT digest FROM state.erased_student)
