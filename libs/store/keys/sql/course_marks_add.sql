INSERT INTO state.course_mark (course_id, family, student_id, course_version, epoch, lsn, committed_at, awaited, of_class)
SELECT course_id, $1, student_id, course_version, epoch, lsn, committed_at, awaited, of_class
FROM unnest($2::integer[], $3::integer[], $4::bigint[], $5::integer[], $6::bigint[], $7::timestamptz[], $8::boolean[],
  $9::boolean[])
  AS mark (course_id, student_id, course_version, epoch, lsn, committed_at, awaited, of_class)
