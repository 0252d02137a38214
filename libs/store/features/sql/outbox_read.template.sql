-- The oldest of what waits, each with its row as it is now, or nulls where the row is gone. One statement, so that version
-- and row are of one moment: a row in it was written before its outbox version was drawn, under the same lock. Of a student
-- who was erased there is neither name nor row.
SELECT
  o.student_id, o.course_id, o.version AS outbox_version, o.noted_at,
  s.source_id AS student_source_id, c.source_id AS course_source_id{{columns}}
FROM (
  SELECT student_id, course_id, version, noted_at FROM outbox WHERE topic = $1 ORDER BY version LIMIT $2::integer
) AS o
JOIN course AS c USING (course_id)
LEFT JOIN student AS s USING (student_id)
LEFT JOIN {{table}} AS f USING (student_id, course_id)
