-- Courses that have marks, each once: from one to the next by the index, however many marks each has. One that nothing is known
-- of yet is waited for while keys of it that a snapshot brought have not been looked at, by these families ($2): what these
-- say would move it again, and all of its keys with it. The others first. A class waits until the keys of its course are
-- derived that wait for no news: it would be derived again after each of them. Without $3 all classes wait.
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
