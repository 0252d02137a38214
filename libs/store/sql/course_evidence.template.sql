-- What the keys of each course say, whole: the least first day of each kind, the first and the last fact. One pass over
-- the keys; the arrays are short, so taking them apart by index is cheaper than unnesting each.
SELECT
  course_id,
  min(first_fact) AS first_fact,
  max(last_fact) AS last_fact,
  {{leastDays}} AS covered_from
FROM unnest($1::integer[]) AS wanted (course_id)
LEFT JOIN state.key USING (course_id)
GROUP BY course_id
