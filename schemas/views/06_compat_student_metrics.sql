-- What StudentProfiler and PathPredictor read, by the names and types that they know: compat is in their search_path, and they take
--   student_metrics sm LEFT JOIN temporal_features tf ON tf.student_id = sm.student_id
-- whole, with every null turned into 0. A 0 that nobody measured would be read as a bad student, so nothing is null here but
-- passed, which they leave as it is: only a course that has stopped says who passed. What is unknown is put in as the median of
-- the course, and where the course has none as 0 for counts and for the ratio, 50 for scores of 0 to 100; imputed names these
-- columns.
--
-- Quantiles: percentile_cont interpolates at (n-1)p on double precision. It is given integers alone (decimals as hundredths),
-- and p is 1/2 or 3/4: every step is then a sum of quarters, which a double holds exactly. Each course's are made once, in
-- one pass over all keys, and not once a row.
CREATE OR REPLACE VIEW compat.student_metrics AS
WITH key AS (
  SELECT
    student_id, course_id,
    e.engagement_score, p.success_rate, e.punctuality_score, e.login_frequency, e.forum_posts_30d, e.time_spent_30d,
    e.absence_days_last_30, e.assignment_completion_rate, p.module_grade, p.passed,
    course.first_fact, course.last_fact, course.stopped
  FROM public.engagement_features AS e
  FULL JOIN public.performance_features AS p USING (student_id, course_id)
  LEFT JOIN state.course_span AS course USING (course_id)
),
-- What a course's students are measured by: four times its third quartile, twice its median; null where that is 0.
yardstick AS (
  SELECT
    course_id,
    nullif((4 * percentile_cont(0.75) WITHIN GROUP (ORDER BY forum_posts_30d))::bigint, 0) AS posts,
    nullif((2 * percentile_cont(0.5) WITHIN GROUP (ORDER BY time_spent_30d))::bigint, 0) AS time_spent
  FROM key
  GROUP BY course_id
),
-- Of the student's courses that were over before this one began the last to end; of several the one with the greatest id. The
-- ends and the beginnings of all courses of a student in order of their days, so that one pass tells what came before each.
previous AS (
  SELECT
    student_id, course_id,
    (max(ended) OVER (PARTITION BY student_id ORDER BY day RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))[3] * 0.01
      AS module_grade,
    begins
  FROM key
  CROSS JOIN LATERAL (VALUES
    (first_fact, NULL::integer[], true),
    (last_fact, ARRAY[last_fact, course_id, (100 * module_grade)::integer], false)
  ) AS turn (day, ended, begins)
  WHERE day IS NOT NULL
),
measured AS (
  SELECT
    key.*,
    CASE
      WHEN 4 * key.forum_posts_30d >= yardstick.posts THEN 100
      ELSE state.two_decimals(400 * key.forum_posts_30d, yardstick.posts)
    END AS forum_participation,
    CASE
      WHEN 200 * key.time_spent_30d >= 999 * yardstick.time_spent THEN 9.99
      ELSE state.two_decimals(2 * key.time_spent_30d, yardstick.time_spent)
    END AS time_spent_ratio,
    previous.module_grade AS previous_module_grade
  FROM key
  JOIN yardstick USING (course_id)
  LEFT JOIN previous ON previous.begins AND previous.student_id = key.student_id AND previous.course_id = key.course_id
),
-- In hundredths, days whole.
median AS (
  SELECT
    course_id,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (100 * engagement_score)::integer) AS engagement_score,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (100 * success_rate)::integer) AS success_rate,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (100 * punctuality_score)::integer) AS punctuality_score,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (100 * login_frequency)::integer) AS login_frequency,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (100 * forum_participation)::integer) AS forum_participation,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (100 * time_spent_ratio)::integer) AS time_spent_ratio,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY absence_days_last_30) AS absence_days_last_30,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (100 * assignment_completion_rate)::integer) AS assignment_completion_rate,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY (100 * previous_module_grade)::integer) AS previous_module_grade
  FROM measured
  GROUP BY course_id
)
SELECT
  m.student_id,
  m.course_id,
  m.course_id AS module_id,
  coalesce(m.engagement_score, state.of_hundredths(median.engagement_score), 50)::numeric(5, 2) AS engagement_score,
  coalesce(m.success_rate, state.of_hundredths(median.success_rate), 50)::numeric(5, 2) AS success_rate,
  coalesce(m.punctuality_score, state.of_hundredths(median.punctuality_score), 50)::numeric(5, 2) AS punctuality_score,
  coalesce(m.login_frequency, state.of_hundredths(median.login_frequency), 0)::numeric(5, 2) AS login_frequency,
  coalesce(m.forum_participation, state.of_hundredths(median.forum_participation), 50)::numeric(5, 2) AS forum_participation,
  coalesce(m.time_spent_ratio, state.of_hundredths(median.time_spent_ratio), 0)::numeric(5, 2) AS time_spent_ratio,
  coalesce(m.absence_days_last_30, round(median.absence_days_last_30::numeric)::integer, 0) AS absence_days_last_30,
  coalesce(m.assignment_completion_rate, state.of_hundredths(median.assignment_completion_rate), 50)::numeric(5, 2)
    AS assignment_completion_rate,
  coalesce(m.previous_module_grade, state.of_hundredths(median.previous_module_grade), 50)::numeric(5, 2)
    AS previous_module_grade,
  CASE WHEN m.stopped THEN m.passed END AS passed,
  array_remove(ARRAY[
    CASE WHEN m.engagement_score IS NULL THEN 'engagement_score' END,
    CASE WHEN m.success_rate IS NULL THEN 'success_rate' END,
    CASE WHEN m.punctuality_score IS NULL THEN 'punctuality_score' END,
    CASE WHEN m.login_frequency IS NULL THEN 'login_frequency' END,
    CASE WHEN m.forum_participation IS NULL THEN 'forum_participation' END,
    CASE WHEN m.time_spent_ratio IS NULL THEN 'time_spent_ratio' END,
    CASE WHEN m.absence_days_last_30 IS NULL THEN 'absence_days_last_30' END,
    CASE WHEN m.assignment_completion_rate IS NULL THEN 'assignment_completion_rate' END,
    CASE WHEN m.previous_module_grade IS NULL THEN 'previous_module_grade' END
  ], NULL) AS imputed
FROM measured AS m
JOIN median USING (course_id);
