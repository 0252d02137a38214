INSERT INTO students (id, external_id, email, firstname, lastname, username, created_at, updated_at)
SELECT *
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamp[], $8::timestamp[])
ON CONFLICT (id) DO NOTHING
