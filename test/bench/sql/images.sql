-- The images that staging the shape's rows from a snapshot would leave, with every key marked accordingly.
INSERT INTO student (source_id) SELECT bench.id('student', n) FROM bench.shape, generate_series(0, students - 1) AS n;
INSERT INTO course (source_id) SELECT bench.id('course', n) FROM bench.shape, generate_series(0, courses - 1) AS n;

CREATE TABLE bench.keys AS
SELECT k, student_id, course_id
FROM bench.shape, generate_series(0, keys - 1) AS k
JOIN student ON student.source_id = bench.id('student', k / 5)
CROSS JOIN LATERAL (SELECT bench.course_of(k, (SELECT courses FROM bench.shape)) AS c) AS at
JOIN course ON course.source_id = bench.id('course', c);

INSERT INTO state.image_students (id, epoch, lsn, live, firstname, lastname)
SELECT bench.id('student', n), 1, 0, true, 'First' || n, 'Last' || n FROM bench.shape, generate_series(0, students - 1) AS n;
INSERT INTO state.image_courses (id, epoch, lsn, live, fullname, shortname)
SELECT bench.id('course', n), 1, 0, true, 'Course ' || n, 'C' || n FROM bench.shape, generate_series(0, courses - 1) AS n;

INSERT INTO state.image_enrollments (id, epoch, lsn, live, student_id, course_id, enrolled_at)
SELECT id, 1, 0, true, student_id, course_id, extract(epoch FROM at)::bigint * 1000
FROM bench.enrollments JOIN bench.keys USING (k);

INSERT INTO state.image_grades (id, epoch, lsn, live, student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
SELECT id, 1, 0, true, student_id, course_id, grade_item, grade_value, grade_max, floor(extract(epoch FROM at) * 1000)::bigint
FROM bench.grades JOIN bench.keys USING (k) ORDER BY at;

INSERT INTO state.image_activity_logs (
  id, epoch, lsn, live, student_id, course_id, activity_type, resource_id, duration_seconds, "timestamp", metadata
)
SELECT id, 1, 0, true, student_id, course_id, activity_type, resource_id, duration, floor(extract(epoch FROM at) * 1000)::bigint, needed
FROM bench.activities JOIN bench.keys USING (k) ORDER BY at;

INSERT INTO state.key_mark (family, course_id, student_id, priority, epoch, lsn)
SELECT family, course_id, student_id, 1, 1, 0
FROM bench.keys, unnest(ARRAY['engagement', 'performance']) AS family;
