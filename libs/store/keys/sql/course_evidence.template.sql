-- What the keys of each course say, whole: the least first day of each kind, the first and the last fact. One pass over
-- the keys of each (OFFSET 0 keeps it so); the arrays are short, so taking them apart by index is cheaper than unnesting each. With it, whether a key
-- that is awaited has said so meanwhile: its evidence and its mark are seen together or not at all.
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
