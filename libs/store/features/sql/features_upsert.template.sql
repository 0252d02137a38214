-- Writes the rows whose features differ from what is stored; the key's lock is held, so nothing changes in between.
WITH incoming AS (
  SELECT student_id, course_id, as_of_date, source_position, source_committed_at{{casts}}
  FROM unnest($1::integer[], $2::integer[], $3::date[], $4::text[], $5::timestamptz[]{{arrays}})
    AS incoming (student_id, course_id, as_of_date, source_position, source_committed_at{{columns}})
)
INSERT INTO {{table}} AS known (
  student_id, course_id, as_of_date, source_position, source_committed_at, computed_at, row_version, feature_version{{columns}}
)
SELECT
  i.student_id, i.course_id, i.as_of_date, i.source_position, i.source_committed_at, now(), nextval('state.row_version'),
  {{version}}{{incomingColumns}}
FROM incoming AS i
-- Found key by key (OFFSET 0 keeps it so).
LEFT JOIN LATERAL (
  SELECT * FROM {{table}} AS own WHERE own.student_id = i.student_id AND own.course_id = i.course_id
  OFFSET 0
) AS stored ON true
WHERE stored.student_id IS NULL OR (stored.feature_version{{storedColumns}}) IS DISTINCT FROM ({{version}}{{incomingColumns}})
ON CONFLICT (student_id, course_id) DO UPDATE
SET as_of_date = excluded.as_of_date,
    source_position = coalesce(excluded.source_position, known.source_position),
    source_committed_at = coalesce(excluded.source_committed_at, known.source_committed_at),
    computed_at = excluded.computed_at,
    row_version = excluded.row_version,
    feature_version = excluded.feature_version{{assignments}}
RETURNING student_id, course_id
