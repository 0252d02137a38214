-- Courses of which nothing is known yet and a snapshot brought keys of these families ($1), each once: goes from one course to
-- the next by the index, however many keys each has. None while a snapshot is read.
WITH RECURSIVE marked AS (
  SELECT family, (
    SELECT course_id FROM state.key_mark AS mark
    WHERE mark.family = wanted.family AND mark.priority = 1
    ORDER BY course_id LIMIT 1
  ) AS course_id
  FROM unnest($1::text[]) AS wanted (family)
  UNION ALL
  SELECT family, (
    SELECT mark.course_id FROM state.key_mark AS mark
    WHERE mark.family = marked.family AND mark.priority = 1 AND mark.course_id > marked.course_id
    ORDER BY mark.course_id LIMIT 1
  )
  FROM marked
  WHERE marked.course_id IS NOT NULL
)
SELECT DISTINCT course_id
FROM marked
WHERE course_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM state.course AS known WHERE known.course_id = marked.course_id AND known.version > 0)
  AND NOT EXISTS (SELECT FROM stream_progress WHERE phase = 'snapshot')
ORDER BY course_id
