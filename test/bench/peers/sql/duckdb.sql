-- The columns of columns.ts from three files of rows, $folder and $today given: facts as schemas/features.md defines them.
COPY (
  WITH activity AS (
    SELECT student_id, course_id, activity_type AS type, CASE WHEN activity_type <> 'login' THEN resource_id END AS resource,
           date_trunc('millisecond', moment) AS moment, CAST(moment AS date) AS day, metadata ->> '$.event_id' AS event_id,
           metadata ->> '$.state' AS state
    FROM read_csv('$folder/activity_logs.csv', header = false, columns = {
      student_id: 'uuid', course_id: 'uuid', activity_type: 'varchar', resource_id: 'varchar', moment: 'timestamp', metadata: 'json'
    })
    WHERE moment < DATE '$today' + 1
  ), events AS (
    SELECT DISTINCT student_id, course_id, type, resource, moment, day, event_id FROM activity WHERE type <> 'completion'
  ), states AS (
    -- Among those at one time, the highest ranked holds.
    SELECT student_id, course_id, resource, moment, day, arg_max(state, position(state IN '0312')) IN ('1', '2') AS done
    FROM activity WHERE type = 'completion' GROUP BY ALL
  ), steps AS (
    SELECT *, done AND NOT lag(done, 1, true) OVER (PARTITION BY student_id, course_id, resource ORDER BY moment) AS reached
    FROM states
  ), grades AS (
    SELECT student_id, course_id, item, moment, CAST(moment AS date) AS day,
           max({ value: coalesce(CAST(value * 100000 AS hugeint), -1), max: CAST(max * 100000 AS hugeint) }) AS held
    FROM read_csv('$folder/grades.csv', header = false, columns = {
      student_id: 'uuid', course_id: 'uuid', item: 'varchar', moment: 'timestamp', value: 'decimal(18, 5)', max: 'decimal(18, 5)'
    })
    WHERE moment < DATE '$today' + 1 GROUP BY ALL
  ), grade_changes AS (
    SELECT *, held IS DISTINCT FROM lag(held) OVER (PARTITION BY student_id, course_id, item ORDER BY moment) AS changed
    FROM grades
  ), courses AS (
    -- A course's as-of day is today, or the sixth day after its last fact if that is earlier; it has only the data it collects.
    SELECT course_id, least(DATE '$today', max(day) FILTER (fact) + 6) AS as_of,
           bool_or(type = 'login') AS logins, bool_or(type = 'view') AS views, bool_or(type = 'forum_post') AS posts,
           bool_or(type = 'completion') AS completions, bool_or(fact AND type NOT IN ('completion', 'grade')) AS events
    FROM (
      SELECT course_id, day, type, true AS fact FROM events
      UNION ALL SELECT course_id, day, 'completion', reached FROM steps
      UNION ALL SELECT course_id, day, 'grade', changed FROM grade_changes
    ) GROUP BY course_id
  ), counted AS (
    SELECT student_id, course_id, count(*) AS events, count(*) FILTER (type = 'login') AS logins,
           count(*) FILTER (type = 'login' AND day > as_of - 7) AS logins_7d,
           count(*) FILTER (type = 'login' AND day > as_of - 30) AS logins_30d,
           count(*) FILTER (type = 'view' AND day > as_of - 7) AS views_7d,
           count(*) FILTER (type = 'view' AND day > as_of - 30) AS views_30d,
           count(DISTINCT resource) FILTER (type = 'view') AS resources,
           count(*) FILTER (type = 'forum_post') AS posts,
           count(*) FILTER (type = 'forum_post' AND day > as_of - 30) AS posts_30d
    FROM events JOIN courses USING (course_id) GROUP BY ALL
  ), active AS (
    SELECT student_id, course_id, count(DISTINCT day) AS days, count(DISTINCT day) FILTER (day > as_of - 7) AS days_7d,
           count(DISTINCT day) FILTER (day > as_of - 28) AS days_28d,
           count(DISTINCT day) FILTER (day > as_of - 30) AS days_30d, max(moment) AS last_at
    FROM (
      SELECT student_id, course_id, moment, day FROM events
      UNION ALL SELECT student_id, course_id, moment, day FROM steps WHERE reached
    ) JOIN courses USING (course_id) GROUP BY ALL
  ), completed AS (
    SELECT student_id, course_id, count(*) FILTER (done) AS completed
    FROM (
      SELECT student_id, course_id, resource, arg_max(done, moment) AS done
      FROM states JOIN courses USING (course_id) WHERE day <= as_of GROUP BY ALL
    ) GROUP BY ALL
  ), items AS (
    SELECT student_id, course_id, item, arg_max(held, moment) AS held
    FROM grades JOIN courses USING (course_id) WHERE day <= as_of GROUP BY ALL
  ), graded AS (
    -- A grade is 100 * points / unit, and only their mean is rounded.
    SELECT student_id, course_id, count(*) AS n, list_reduce(list_distinct(list(held.max)), lambda a, b: lcm(a, b)) AS unit,
           list(held) AS held
    FROM items WHERE held.value > 0 AND item NOT IN ('course', 'category') GROUP BY ALL
  ), means AS (
    SELECT student_id, course_id, n, n * unit AS whole,
           list_sum(list_transform(held, lambda h: least(h.value, h.max) * (unit // h.max))) AS points
    FROM graded
  ), keys AS (
    SELECT student_id, course_id
    FROM read_csv('$folder/enrollments.csv', header = false, columns = { student_id: 'uuid', course_id: 'uuid' })
    UNION SELECT student_id, course_id FROM activity
  )
  SELECT student_id || ' ' || course_id,
         CASE WHEN c.events THEN coalesce(counted.events, 0) END,
         CASE WHEN c.logins THEN coalesce(counted.logins, 0) END,
         CASE WHEN c.logins THEN coalesce(logins_7d, 0) END,
         CASE WHEN c.logins THEN coalesce(logins_30d, 0) END,
         CASE WHEN c.views THEN coalesce(views_7d, 0) END,
         CASE WHEN c.views THEN coalesce(views_30d, 0) END,
         CASE WHEN c.views THEN coalesce(resources, 0) END,
         CASE WHEN c.posts THEN coalesce(counted.posts, 0) END,
         CASE WHEN c.posts THEN coalesce(posts_30d, 0) END,
         CASE WHEN c.events OR c.completions THEN coalesce(days, 0) END,
         CASE WHEN c.events OR c.completions THEN coalesce(days_7d, 0) END,
         CASE WHEN c.events OR c.completions THEN coalesce(days_30d, 0) END,
         CASE WHEN c.events OR c.completions THEN CAST(coalesce(days_28d, 0) * 25 AS decimal(9, 0)) * 0.01 END,
         epoch_ms(last_at),
         CASE WHEN c.completions THEN coalesce(completed, 0) END,
         CASE WHEN items_of.student_id IS NOT NULL THEN coalesce(n, 0) END,
         CAST((2 * 10000 * points + whole) // (2 * whole) AS decimal(9, 0)) * 0.01
  FROM keys LEFT JOIN courses AS c USING (course_id)
  LEFT JOIN counted USING (student_id, course_id) LEFT JOIN active USING (student_id, course_id)
  LEFT JOIN completed USING (student_id, course_id) LEFT JOIN means USING (student_id, course_id)
  LEFT JOIN (SELECT DISTINCT student_id, course_id FROM items) AS items_of USING (student_id, course_id)
) TO '$folder/features.tsv' (HEADER false, DELIMITER '\t');
