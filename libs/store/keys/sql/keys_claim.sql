-- The lock under which a key is derived. Keys that another deriver holds are left to it.
SELECT k.course_id, k.student_id, k.derived, k.first_days, k.first_fact, k.last_fact, k.first_day, k.next_day,
  k.folded, k.owner, k.class_day, k.class_before, k.class_all, k.set_aside IS NOT NULL AS set_aside
FROM unnest($2::integer[], $3::integer[]) AS wanted (course_id, student_id)
JOIN state.key AS k ON k.family = $1 AND k.course_id = wanted.course_id AND k.student_id = wanted.student_id
ORDER BY k.course_id, k.student_id
LIMIT $4::integer
FOR UPDATE OF k SKIP LOCKED
