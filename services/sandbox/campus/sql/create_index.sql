-- The living campus reads one student in one course at a time. No connector does, so its own tables have no such index.
CREATE INDEX IF NOT EXISTS campus_activity_logs ON activity_logs (student_id, course_id)
