-- Fills the source in order of time, as it would have grown.
INSERT INTO students (id, external_id, email, firstname, lastname, username, created_at, updated_at)
SELECT bench.id('student', n), 's' || n, 's' || n || '@example.org', 'First' || n, 'Last' || n, 's' || n, today, today
FROM bench.shape, generate_series(0, students - 1) AS n;

INSERT INTO courses (id, external_id, shortname, fullname, created_at)
SELECT bench.id('course', n), 'c' || n, 'C' || n, 'Course ' || n, today
FROM bench.shape, generate_series(0, courses - 1) AS n;

INSERT INTO enrollments (id, student_id, course_id, enrolled_at)
SELECT id, bench.id('student', k / 5), bench.id('course', bench.course_of(k, courses)), at
FROM bench.shape, bench.enrollments;

INSERT INTO grades (id, student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
SELECT id, bench.id('student', k / 5), bench.id('course', bench.course_of(k, courses)), grade_item, grade_value, grade_max, at
FROM bench.shape, bench.grades ORDER BY at;

INSERT INTO activity_logs (id, student_id, course_id, activity_type, resource_id, duration_seconds, "timestamp", metadata)
SELECT
  id, bench.id('student', k / 5), bench.id('course', bench.course_of(k, courses)), activity_type, resource_id, duration, at,
  coalesce(needed, noise)::jsonb
FROM bench.shape, bench.activities ORDER BY at;
