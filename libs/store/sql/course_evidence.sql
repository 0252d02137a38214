-- What the keys of each course say, whole: the least first day of each kind, the first and the last fact.
SELECT
  course_id,
  min(first_fact) AS first_fact,
  max(last_fact) AS last_fact,
  (
    SELECT array_agg(least_day ORDER BY kind)
    FROM (
      SELECT kind, min(day) AS least_day
      FROM state.key AS k, unnest(k.first_days) WITH ORDINALITY AS first_day (day, kind)
      WHERE k.course_id = wanted.course_id
      GROUP BY kind
    ) AS kinds
  ) AS covered_from
FROM unnest($1::integer[]) AS wanted (course_id)
LEFT JOIN state.key USING (course_id)
GROUP BY course_id
