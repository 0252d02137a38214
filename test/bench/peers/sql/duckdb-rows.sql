-- The same columns in the obvious first version: every row is something that happened. $folder and $today are given.
COPY (
  WITH activity AS (
    SELECT *, CAST(moment AS date) AS day, metadata ->> '$.state' AS state
    FROM read_csv('$folder/activity_logs.csv', header = false, columns = {
      student_id: 'uuid', course_id: 'uuid', type: 'varchar', resource: 'varchar', moment: 'timestamp', metadata: 'json'
    })
  ), counted AS (
    SELECT student_id, course_id, count(*) AS events, count(*) FILTER (type = 'login') AS logins,
           count(*) FILTER (type = 'login' AND day > DATE '$today' - 7) AS logins_7d,
           count(*) FILTER (type = 'login' AND day > DATE '$today' - 30) AS logins_30d,
           count(*) FILTER (type = 'view' AND day > DATE '$today' - 7) AS views_7d,
           count(*) FILTER (type = 'view' AND day > DATE '$today' - 30) AS views_30d,
           count(DISTINCT resource) FILTER (type = 'view') AS resources,
           count(*) FILTER (type = 'forum_post') AS posts,
           count(*) FILTER (type = 'forum_post' AND day > DATE '$today' - 30) AS posts_30d,
           count(DISTINCT day) AS days, count(DISTINCT day) FILTER (day > DATE '$today' - 7) AS days_7d,
           count(DISTINCT day) FILTER (day > DATE '$today' - 28) AS days_28d,
           count(DISTINCT day) FILTER (day > DATE '$today' - 30) AS days_30d, epoch_ms(max(moment)) AS last_at,
           count(*) FILTER (type = 'completion' AND state IN ('1', '2')) AS completed
    FROM activity GROUP BY ALL
  ), graded AS (
    SELECT student_id, course_id, count(*) FILTER (value > 0) AS n,
           round(avg(100 * least(value, max) / max) FILTER (value > 0), 2) AS mean
    FROM read_csv('$folder/grades.csv', header = false, columns = {
      student_id: 'uuid', course_id: 'uuid', item: 'varchar', moment: 'timestamp', value: 'decimal(18, 5)', max: 'decimal(18, 5)'
    })
    WHERE item NOT IN ('course', 'category') GROUP BY ALL
  )
  SELECT student_id || ' ' || course_id, coalesce(events, 0), coalesce(logins, 0), coalesce(logins_7d, 0),
         coalesce(logins_30d, 0), coalesce(views_7d, 0), coalesce(views_30d, 0), coalesce(resources, 0),
         coalesce(posts, 0), coalesce(posts_30d, 0), coalesce(days, 0), coalesce(days_7d, 0), coalesce(days_30d, 0),
         CAST(coalesce(days_28d, 0) * 25 AS decimal(9, 0)) * 0.01, last_at, coalesce(completed, 0), n,
         CAST(mean AS decimal(5, 2))
  FROM (
    SELECT DISTINCT student_id, course_id
    FROM read_csv('$folder/enrollments.csv', header = false, columns = { student_id: 'uuid', course_id: 'uuid' })
  ) LEFT JOIN counted USING (student_id, course_id) LEFT JOIN graded USING (student_id, course_id)
) TO '$folder/features.tsv' (HEADER false, DELIMITER '\t');
