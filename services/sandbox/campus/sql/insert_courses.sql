INSERT INTO courses (id, external_id, shortname, fullname, created_at)
SELECT *
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamp[])
ON CONFLICT (id) DO NOTHING
