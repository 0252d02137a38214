-- What students and courses of ours are called, for people who read; null where the source has no name, and with DIRECTORY=off.
-- With the rights of its owner, so that a login may be given it, or refused it, by itself.
CREATE OR REPLACE VIEW public.directory AS
SELECT 'student' AS kind, s.student_id AS id, s.source_id, nullif(btrim(concat_ws(' ', i.firstname, i.lastname)), '') AS name
FROM student AS s
JOIN state.image_students AS i ON i.id = s.source_id AND i.live
UNION ALL
SELECT 'course', c.course_id, c.source_id, coalesce(nullif(btrim(i.fullname), ''), nullif(btrim(i.shortname), ''))
FROM course AS c
JOIN state.image_courses AS i ON i.id = c.source_id AND i.live;
