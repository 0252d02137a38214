-- Keys of each family ($1), and courses, still to be derived before everything is served that an initial snapshot, a new epoch
-- or adopted settings brought; counted among the first $2 marks of each, since there can be millions. In one statement,
-- since marks of keys become marks of courses, and those become marks of keys.
SELECT wanted.family, coalesce(sum(key.marks), 0)::bigint AS marks, count(key.marks) AS waiting
FROM unnest($1::text[]) AS wanted (family)
LEFT JOIN LATERAL (
  SELECT count(*) AS marks
  FROM (
    SELECT course_id, student_id FROM state.key_mark WHERE family = wanted.family AND awaited LIMIT $2::integer
  ) AS mark
  GROUP BY course_id, student_id
) AS key ON true
GROUP BY wanted.family
UNION ALL
SELECT 'course', coalesce(sum(marks), 0)::bigint, count(*)
FROM (
  SELECT count(*) AS marks FROM (SELECT course_id FROM state.course_mark WHERE awaited LIMIT $2::integer) AS mark
  GROUP BY course_id
) AS course
