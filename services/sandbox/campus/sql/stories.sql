-- Ordered, so that readers get the same order whatever that of the stored rows is.
SELECT student_id::text, course_id::text, story, starts_on, ends_on, details
FROM campus.story
ORDER BY student_id, starts_on, course_id
