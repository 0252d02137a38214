-- The courses among these in which no key waits to be derived for a reason other than news.
SELECT wanted.course_id
FROM unnest($1::integer[]) AS wanted (course_id)
WHERE NOT EXISTS (
  SELECT FROM state.key_mark AS waiting
  WHERE waiting.family IN ('engagement', 'performance', 'anomaly') AND waiting.priority IN (1, 2)
    AND waiting.course_id = wanted.course_id
  OFFSET 0
)
