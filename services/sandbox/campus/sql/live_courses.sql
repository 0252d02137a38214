SELECT c.id, c.external_id, c.fullname, extract(epoch FROM c.created_at) * 1000 AS starts_at,
  ARRAY(SELECT DISTINCT e.student_id FROM enrollments e WHERE e.course_id = c.id AND e.student_id IS NOT NULL
        ORDER BY 1)::text[] AS student_ids
FROM courses c
WHERE starts_with(c.external_id, $1)
ORDER BY c.external_id
