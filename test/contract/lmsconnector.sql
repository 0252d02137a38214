-- What an LMSConnector writes about one course in five weeks, and nothing else: at each sync, four a day, every
-- enrolment, grade, completion and last access again; grades and completions carry the time of the sync. The first
-- three students have fewer activities because they are in another group.
-- $1: when the last sync was, in the source's own time.
WITH sync AS (
  SELECT at, extract(epoch FROM at - ($1::timestamp - interval '35 days')) / 86400 AS day
    FROM generate_series($1::timestamp - interval '35 days', $1::timestamp, interval '6 hours') AS at
), student AS (
  INSERT INTO students (id, external_id, firstname, lastname)
  SELECT md5('student ' || n)::uuid, 'moodle-' || n, 'Student', n::text FROM generate_series(1, 12) AS n
  RETURNING id, lastname::integer AS n
), course AS (
  INSERT INTO courses (id, external_id, fullname) VALUES (md5('course')::uuid, 'moodle-1', 'Course') RETURNING id
), seen AS (
  -- The twelfth student joins late.
  SELECT sync.at, sync.day, student.id AS student, student.n, course.id AS course
    FROM sync CROSS JOIN student CROSS JOIN course WHERE student.n < 12 OR sync.day >= 20
), enrolled AS (
  INSERT INTO enrollments (student_id, course_id, enrolled_at)
  SELECT student, course, $1::timestamp - make_interval(days => CASE n WHEN 12 THEN 15 ELSE 36 + n % 3 END) FROM seen
), access AS (
  -- Everybody has different days; the eleventh stopped coming, the tenth never came, which Moodle writes as 1970.
  SELECT student.n, $1::timestamp - make_interval(days => 35 - day, hours => (student.n * 3 + day) % 24, mins => day) AS at
    FROM student CROSS JOIN generate_series(0, 35) AS day
   WHERE (student.n * 7 + day * 5) % (student.n + 2) < 2 AND student.n <> 10 AND (student.n <> 11 OR day < 15)
), accessed AS (
  INSERT INTO activity_logs (student_id, course_id, activity_type, timestamp)
  SELECT student, course, 'last_access',
         coalesce((SELECT max(access.at) FROM access WHERE access.n = seen.n AND access.at <= seen.at), '1970-01-01')
    FROM seen
), completed AS (
  INSERT INTO activity_logs (student_id, course_id, activity_type, resource_id, timestamp, metadata)
  SELECT student, course, 'completion', resource::text, at,
         jsonb_build_object('state', CASE WHEN day < resource * 5 + n % 4 OR (n + resource) % 4 = 0 THEN 0
                                          WHEN resource < 6 THEN 1 WHEN n % 3 = 0 THEN 3 ELSE 2 END)
    FROM seen CROSS JOIN generate_series(1, 6) AS resource
   WHERE resource > 1 OR n > 3
), marked AS (
  -- What is not graded yet is 0. One mark is changed afterwards, and one has a bonus.
  SELECT student, course, at, 'Quiz ' || quiz AS item, 100 AS max,
         CASE WHEN day < quiz * 7 + n % 4 THEN 0 WHEN n = 1 AND quiz = 3 THEN 104 WHEN n = 2 AND quiz = 1 AND day > 30 THEN 90
              ELSE (n * 13 + quiz * 29) % 101 END AS value
    FROM seen CROSS JOIN generate_series(1, 5) AS quiz
)
INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, timestamp)
SELECT student, course, item, value, max, at FROM marked
UNION ALL
SELECT student, course, total, round(sum(value) / 5.0, 5), 100, at
  FROM marked CROSS JOIN unnest(ARRAY['course', 'category']) AS total GROUP BY student, course, total, at
