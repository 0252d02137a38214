-- The keys of a course ($1) in these families ($2) that have a row or are marked.
SELECT found.family, $1::integer AS course_id, found.student_id
FROM unnest($2::text[]) AS wanted (family)
CROSS JOIN LATERAL (
  SELECT k.family, k.student_id FROM state.key AS k WHERE k.course_id = $1::integer AND k.family = wanted.family
  UNION
  SELECT mark.family, mark.student_id FROM state.key_mark AS mark
  WHERE mark.family = wanted.family AND mark.priority IN (0, 1, 2) AND mark.course_id = $1::integer
) AS found
ORDER BY found.family, found.student_id
