-- Takes the locks under which keys are derived, of at most $4 keys, in the given order, without keys that another deriver holds.
-- Found key by key, whatever the planner thinks of the table's size: FOR UPDATE keeps the inner query apart.
SELECT k.course_id, k.student_id, k.derived, k.first_days, k.first_fact, k.last_fact, k.first_day, k.next_day,
  k.folded, k.owner, k.class_day, k.class_before, k.class_all, k.set_aside IS NOT NULL AS set_aside
FROM unnest($2::integer[], $3::integer[]) AS wanted (course_id, student_id)
CROSS JOIN LATERAL (
  SELECT * FROM state.key
  WHERE family = $1 AND course_id = wanted.course_id AND student_id = wanted.student_id
  FOR UPDATE SKIP LOCKED
) AS k
LIMIT $4::integer
