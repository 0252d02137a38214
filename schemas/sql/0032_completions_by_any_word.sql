-- Completions under a word that is not copied as it stands ("Completion", an alias) were not folded with those that are: what
-- follows from both may be wrong. Keys that have any are derived again from all of their rows; readable ones have a state.
INSERT INTO state.key_mark (family, course_id, student_id, priority)
SELECT DISTINCT 'engagement', course_id, student_id, 2
FROM state.image_activity_logs
WHERE live AND NOT state.is_copied(activity_type) AND metadata LIKE '%state%' AND course_id IS NOT NULL AND student_id IS NOT NULL;
