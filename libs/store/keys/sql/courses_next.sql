-- Courses that have marks, each once: goes from one to the next by the index, however many marks each has. A course of which
-- nothing is known yet waits while these families ($2) have keys of it from a snapshot to derive: each of these would move the
-- course again, and all of its keys with it. Courses that do not wait come first. A class waits until the keys of its course
-- that are marked for other reasons than news are derived: it would be derived again after each. Without $3 all classes wait.
WITH RECURSIVE marked AS (
  (SELECT course_id FROM state.course_mark ORDER BY course_id LIMIT 1)
  UNION ALL
  SELECT (SELECT mark.course_id FROM state.course_mark AS mark WHERE mark.course_id > marked.course_id ORDER BY mark.course_id LIMIT 1)
  FROM marked
  WHERE marked.course_id IS NOT NULL
)
SELECT course_id, unknown AND unread AS waits
FROM marked
CROSS JOIN LATERAL (
  SELECT
    NOT EXISTS (SELECT FROM state.course AS known WHERE known.course_id = marked.course_id AND known.version > 0) AS unknown,
    EXISTS (
      SELECT FROM unnest($2::text[]) AS wanted (family)
      CROSS JOIN LATERAL (
        SELECT FROM state.key_mark AS mark
        WHERE mark.family = wanted.family AND mark.priority = 1 AND mark.course_id = marked.course_id
        LIMIT 1
      ) AS mark
    ) AS unread
) AS course
WHERE course_id IS NOT NULL AND (
  EXISTS (SELECT FROM state.course_mark AS mark WHERE mark.course_id = marked.course_id AND NOT mark.of_class OFFSET 0)
  OR $3::boolean AND NOT EXISTS (
    SELECT FROM state.key_mark AS waiting
    WHERE waiting.family IN ('engagement', 'performance', 'anomaly') AND waiting.priority IN (1, 2)
      AND waiting.course_id = marked.course_id
    OFFSET 0
  )
)
ORDER BY waits, course_id
LIMIT $1::integer
