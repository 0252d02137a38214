-- The oldest waiting keys, each with its current row, or nulls if the row is gone. One statement, so that version and row are
-- of one moment: a row in it was written before its outbox version was drawn, under the same lock. An erased student has
-- neither source id nor row.
SELECT
  o.student_id, o.course_id, o.version AS outbox_version, o.noted_at,
  s.source_id AS student_source_id, c.source_id AS course_source_id{{columns}}
FROM (
  SELECT student_id, course_id, version, noted_at FROM outbox WHERE topic = $1 ORDER BY version LIMIT $2::integer
) AS o
JOIN course AS c USING (course_id)
LEFT JOIN student AS s USING (student_id)
LEFT JOIN {{table}} AS f USING (student_id, course_id)
