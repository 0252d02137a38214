-- Keys that cannot be derived: how many of each family, and the first of them.
SELECT DISTINCT ON (family) family, count(*) OVER (PARTITION BY family) AS keys, student_id, course_id
FROM state.key
WHERE set_aside IS NOT NULL
ORDER BY family, student_id, course_id
