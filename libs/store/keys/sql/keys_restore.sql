-- Keys that were set aside and could now be derived.
UPDATE state.key AS k SET set_aside = NULL
FROM unnest($2::integer[], $3::integer[]) AS restored (course_id, student_id)
WHERE k.family = $1 AND k.course_id = restored.course_id AND k.student_id = restored.student_id
