INSERT INTO state.key_mark (family, course_id, student_id, priority, epoch, lsn, committed_at, awaited, new_rows)
SELECT family, course_id, student_id, $7::smallint, epoch, lsn, to_timestamp(committed_ms / 1000.0), awaited, new_rows::uuid[]
FROM unnest($1::text[], $2::integer[], $3::integer[], $4::integer[], $5::bigint[], $6::double precision[], $8::boolean[],
  $9::text[]) AS mark (family, course_id, student_id, epoch, lsn, committed_ms, awaited, new_rows)
