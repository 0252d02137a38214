-- Writes the series that differ from what is stored.
INSERT INTO state.{{family}}_series AS known (student_id, course_id, first_day{{columns}})
SELECT i.student_id, i.course_id, i.first_day{{casts}}
FROM unnest($1::integer[], $2::integer[], $3::date[]{{arrays}}) AS i (student_id, course_id, first_day{{columns}})
ON CONFLICT (student_id, course_id) DO UPDATE
SET first_day = excluded.first_day{{assignments}}
WHERE (known.first_day{{knownColumns}}) IS DISTINCT FROM (excluded.first_day{{excludedColumns}})
RETURNING student_id, course_id
