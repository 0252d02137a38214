INSERT INTO state.course_class (course_id, first_day, attending, usual, sources, expected, grades)
VALUES ($1::integer, $2::date, $3::text::integer[], $4::text::integer[], $5::jsonb, $6::jsonb, $7::jsonb)
ON CONFLICT (course_id) DO UPDATE
SET first_day = excluded.first_day, attending = excluded.attending, usual = excluded.usual,
    sources = excluded.sources, expected = excluded.expected, grades = excluded.grades
