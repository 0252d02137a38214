INSERT INTO campus.story (student_id, course_id, story, starts_on, ends_on, details)
SELECT *
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::date[], $6::jsonb[])
