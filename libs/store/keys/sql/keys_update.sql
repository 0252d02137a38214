UPDATE state.key AS k
SET derived = true,
    first_days = new.first_days::integer[],
    first_fact = new.first_fact,
    last_fact = new.last_fact,
    first_day = new.first_day,
    next_day = new.next_day,
    folded = new.folded,
    owner = $10::uuid,
    class_day = new.class_day,
    class_before = new.class_before,
    class_all = new.class_all
FROM unnest($2::integer[], $3::integer[], $4::text[], $5::integer[], $6::integer[], $7::integer[], $8::integer[],
  $9::text[], $11::integer[], $12::bigint[], $13::bigint[])
  AS new (course_id, student_id, first_days, first_fact, last_fact, first_day, next_day, folded, class_day, class_before,
    class_all)
WHERE k.family = $1 AND k.course_id = new.course_id AND k.student_id = new.student_id
