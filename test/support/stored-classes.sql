-- The stored class numbers, in the form of test/oracle/class.sql.
WITH days AS (
  SELECT k.*, c.source_id AS course_uuid, u.attending AS day_attending, u.usual AS day_usual,
    k.first_day + (u.i - 1)::integer AS day, (k.first_day + (u.i - 1)::integer) - date '1970-01-01' AS number
  FROM state.course_class AS k
  JOIN course AS c USING (course_id)
  CROSS JOIN LATERAL unnest(k.attending, k.usual) WITH ORDINALITY AS u (attending, usual, i)
), sourced AS (
  SELECT days.*, (
    SELECT s ->> 'source' FROM jsonb_array_elements(days.sources) AS s
    WHERE (s ->> 'from')::integer <= days.number ORDER BY (s ->> 'from')::integer DESC LIMIT 1
  ) AS work_source
  FROM days
)
SELECT course_uuid AS course_id, day, day_attending AS attending, day_usual AS usual, work_source,
  coalesce((
    SELECT jsonb_object_agg(e ->> 'item', date '1970-01-01' + (e ->> 'from')::integer)
    FROM jsonb_array_elements(expected) AS e
    WHERE e ->> 'source' = work_source AND (e ->> 'from')::integer <= number
  ), '{}') AS expected,
  coalesce((
    SELECT jsonb_object_agg(item, trim_scale(grade / 200.0))
    FROM (
      SELECT DISTINCT ON (g ->> 'item') g ->> 'item' AS item, (g ->> 'grade')::integer AS grade
      FROM jsonb_array_elements(grades) AS g WHERE (g ->> 'from')::integer <= number
      ORDER BY g ->> 'item', (g ->> 'from')::integer DESC
    ) AS latest WHERE grade IS NOT NULL
  ), '{}') AS class_grades
FROM sourced
