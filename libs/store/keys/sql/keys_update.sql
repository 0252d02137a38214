-- Stores the state of derived keys. Their rows exist and are locked, so this inserts nothing; as an upsert it finds each row by
-- the primary key, whatever the planner thinks of the table's size.
INSERT INTO state.key (
  family, course_id, student_id, derived, first_days, first_fact, last_fact, first_day, next_day, folded, owner,
  class_day, class_before, class_all
)
SELECT $1, course_id, student_id, true, first_days::integer[], first_fact, last_fact, first_day, next_day, folded, $10::uuid,
  class_day, class_before, class_all
FROM unnest($2::integer[], $3::integer[], $4::text[], $5::integer[], $6::integer[], $7::integer[], $8::integer[],
  $9::text[], $11::integer[], $12::bigint[], $13::bigint[])
  AS new (course_id, student_id, first_days, first_fact, last_fact, first_day, next_day, folded, class_day, class_before,
    class_all)
ON CONFLICT (family, course_id, student_id) DO UPDATE
SET derived = true,
    first_days = excluded.first_days,
    first_fact = excluded.first_fact,
    last_fact = excluded.last_fact,
    first_day = excluded.first_day,
    next_day = excluded.next_day,
    folded = excluded.folded,
    owner = excluded.owner,
    class_day = excluded.class_day,
    class_before = excluded.class_before,
    class_all = excluded.class_all
