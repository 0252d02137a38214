-- What the keys of each course add up to: the least first day of each kind, the first and the last fact. One pass over the keys
-- of a course (OFFSET 0 keeps it so); the arrays are short, so indexing them is cheaper than unnesting each. Also whether an
-- awaited key has marked the course meanwhile: its evidence and its mark become visible together.
SELECT
  course_id,
  min(first_fact) AS first_fact,
  max(last_fact) AS last_fact,
  {{leastDays}} AS covered_from,
  EXISTS (
    SELECT FROM state.course_mark AS mark WHERE mark.course_id = wanted.course_id AND mark.awaited
  ) AS awaited
FROM unnest($1::integer[]) AS wanted (course_id)
LEFT JOIN LATERAL (
  SELECT first_days, first_fact, last_fact FROM state.key AS own WHERE own.course_id = wanted.course_id
  OFFSET 0
) AS said ON true
GROUP BY course_id
