-- The open flags of the courses $1 … $2, the most severe first: by severity (1 high, 2 medium, 3 low), then by how many
-- times beyond what is usual; if $9, by student alone. Reads the $8 after ($3 severity, $4 times, $5 student, $6 course,
-- $7 flag); with $9 the first two are 0.
SELECT
  open.student_id, s.source_id AS student_source_id, open.course_id, c.source_id AS course_source_id,
  open.flag, open.content, open.as_of_date, coalesce(open.as_of_date < course.as_of, false) AS stale,
  place.rank, place.times AS placed_times, open.times
FROM (
  SELECT
    f.*,
    array_position(ARRAY['high', 'medium', 'low'], f.content ->> 'severity') AS rank,
    round(
      CASE
        WHEN f.content ->> 'method' = 'own_gap' THEN n.value / n.threshold
        ELSE abs(n.value - n.baseline) / abs(n.threshold - n.baseline)
      END,
      6
    ) AS times
  FROM state.open_flag AS f
  CROSS JOIN LATERAL (
    SELECT
      (f.content ->> 'value')::numeric AS value,
      (f.content ->> 'baseline')::numeric AS baseline,
      (f.content ->> 'threshold')::numeric AS threshold
  ) AS n
  WHERE f.course_id BETWEEN $1::integer AND $2::integer
) AS open
CROSS JOIN LATERAL (
  SELECT CASE WHEN $9::boolean THEN 0 ELSE open.rank END AS rank, CASE WHEN $9::boolean THEN 0 ELSE open.times END AS times
) AS place
JOIN student AS s USING (student_id)
JOIN course AS c USING (course_id)
LEFT JOIN state.course AS course USING (course_id)
WHERE (place.rank, -place.times, open.student_id, open.course_id, open.flag)
  > ($3::integer, -$4::numeric, $5::integer, $6::integer, $7::text)
ORDER BY place.rank, place.times DESC, open.student_id, open.course_id, open.flag
LIMIT $8::integer
