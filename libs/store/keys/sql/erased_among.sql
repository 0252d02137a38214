-- Of these students those who were erased. Nearly always nobody was, and no digest is made.
SELECT given.id
FROM unnest($1::uuid[]) AS given (id)
WHERE EXISTS (SELECT FROM state.erased_student)
  AND state.student_digest(given.id) IN (SELECT digest FROM state.erased_student)
