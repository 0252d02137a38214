-- Keys of each family, and courses, that are to be derived before all is served that a first reading, a new epoch or
-- adopted settings brought. In one statement, since marks of keys become marks of courses and those become marks of keys.
SELECT family, count(*) AS waiting
FROM (SELECT DISTINCT family, course_id, student_id FROM state.key_mark WHERE awaited) AS keys
GROUP BY family
UNION ALL
SELECT 'course', count(DISTINCT course_id) FROM state.course_mark WHERE awaited
