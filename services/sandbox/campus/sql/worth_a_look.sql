-- The students who show each story best: those with it in every course, or in the most courses, and then the latest start.
-- Several of each, since a student may be gone.
SELECT story, student_id::text, starts_on, ends_on
FROM (
  SELECT story, student_id, min(starts_on) AS starts_on, max(ends_on) AS ends_on,
    row_number() OVER (
      PARTITION BY story
      ORDER BY bool_or(course_id IS NULL) DESC, count(*) DESC, min(starts_on) DESC, student_id
    ) AS place
  FROM campus.story
  GROUP BY story, student_id
) AS told
WHERE place <= 5
ORDER BY story, place
