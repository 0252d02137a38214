-- Per family: courses with a row of it, and rows that a rollover has not reached yet. The keys of such rows are marked or set
-- aside, so only those are looked at, whatever the size of the school (OFFSET 0 prevents full scans).
WITH waiting AS (
  SELECT key.course_id, key.student_id, c.as_of
  FROM (
    SELECT course_id, student_id FROM state.key_mark
    UNION
    SELECT course_id, student_id FROM state.key WHERE set_aside IS NOT NULL
  ) AS key
  JOIN state.course AS c USING (course_id)
)
SELECT
  'engagement' AS family,
  (
    SELECT count(*) FROM course AS c
    WHERE EXISTS (SELECT FROM engagement_features AS f WHERE f.course_id = c.course_id OFFSET 0)
  ) AS courses,
  (
    SELECT count(*) FROM waiting JOIN engagement_features AS f USING (student_id, course_id)
    WHERE f.as_of_date < waiting.as_of
  ) AS stale_rows
UNION ALL
SELECT
  'performance',
  (
    SELECT count(*) FROM course AS c
    WHERE EXISTS (SELECT FROM performance_features AS f WHERE f.course_id = c.course_id OFFSET 0)
  ),
  (
    SELECT count(*) FROM waiting JOIN performance_features AS f USING (student_id, course_id)
    WHERE f.as_of_date < waiting.as_of
  )
UNION ALL
SELECT
  'anomaly',
  (
    SELECT count(*) FROM course AS c
    WHERE EXISTS (
      SELECT FROM state.key AS k
      WHERE k.family = 'anomaly' AND k.course_id = c.course_id AND EXISTS (
        SELECT FROM anomaly_features AS f WHERE f.student_id = k.student_id AND f.course_id = k.course_id OFFSET 0
      )
      OFFSET 0
    )
  ),
  (
    SELECT count(*) FROM waiting JOIN anomaly_features AS f USING (student_id, course_id)
    WHERE f.as_of_date < waiting.as_of
  )
