-- What is stored of the courses after $1, and what their keys add up to, in one statement and so as of one moment: if nothing
-- waits that would change either, the two agree. A course that has neither row nor key does not count.
SELECT wanted.course_id, c.version, c.covered_from, c.first_fact, c.last_fact, c.as_of, (SELECT today FROM state.calendar) AS today,
  k.keys, k.first_fact AS said_first_fact, k.last_fact AS said_last_fact, k.covered_from AS said_covered_from,
  EXISTS (SELECT FROM state.course_mark AS mark WHERE mark.course_id = wanted.course_id)
  OR EXISTS (
    SELECT FROM state.key_mark AS mark
    WHERE mark.family = ANY ($4::text[]) AND mark.priority IN (0, 1, 2) AND mark.course_id = wanted.course_id
  ) AS waits
FROM (
  SELECT course_id FROM course
  WHERE course_id > $1::integer AND ($2::integer[] IS NULL OR course_id = ANY ($2::integer[]))
  ORDER BY course_id
  LIMIT $3::integer
) AS wanted
LEFT JOIN state.course AS c USING (course_id)
CROSS JOIN LATERAL (
  SELECT
    count(*) AS keys, min(own.first_fact) AS first_fact, max(own.last_fact) AS last_fact,
    {{leastDays}} AS covered_from
  FROM state.key AS own WHERE own.course_id = wanted.course_id
) AS k
ORDER BY wanted.course_id
