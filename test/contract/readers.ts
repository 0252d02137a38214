import type { Database, Queryable } from '#libs/platform/postgres/database.ts';

/*
 * The queries of the services downstream, verbatim. They are deployed without us and change when they like: a query here
 * changes only when one of theirs has, never to make a test pass.
 */

/** StudentProfiler, with compat in its search_path. It joins nothing else. */
export const STUDENT_PROFILER = `
  SELECT
    sm.student_id,
    COALESCE(sm.engagement_score, 0) AS engagement_score,
    COALESCE(sm.success_rate, 0) AS success_rate,
    COALESCE(sm.punctuality_score, 0) AS punctuality_score,
    COALESCE(tf.engagement_ma30, 0) AS engagement_ma30,
    COALESCE(sm.login_frequency, 0) AS login_frequency,
    COALESCE(sm.forum_participation, 0) AS forum_participation
  FROM student_metrics sm
  LEFT JOIN temporal_features tf ON tf.student_id = sm.student_id`;

/** PathPredictor, with compat in its search_path. */
export const PATH_PREDICTOR = `
  SELECT
    sm.student_id,
    COALESCE(sm.engagement_score, 0) AS engagement_score,
    COALESCE(sm.success_rate, 0) AS success_rate,
    COALESCE(sm.punctuality_score, 0) AS punctuality_score,
    COALESCE(tf.engagement_ma30, 0) AS engagement_ma30,
    COALESCE(sm.previous_module_grade, 0) AS previous_module_grade,
    COALESCE(sm.forum_participation, 0) AS forum_participation,
    COALESCE(sm.time_spent_ratio, 0) AS time_spent_ratio,
    COALESCE(sm.absence_days_last_30, 0) AS absence_days_last_30,
    COALESCE(sm.assignment_completion_rate, 0) AS assignment_completion_rate,
    sm.passed,
    sm.course_id,
    sm.module_id
  FROM student_metrics sm
  LEFT JOIN temporal_features tf ON tf.student_id = sm.student_id`;

/** PathPredictor again, with the profiles of its own schema. */
export const PATH_PREDICTOR_PROFILES = `
  SELECT sm.student_id, sm.module_id, sm.passed, COALESCE(sm.engagement_score, 0) AS engagement_score, sp.profile
  FROM student_metrics sm
  LEFT JOIN temporal_features tf ON tf.student_id = sm.student_id
  LEFT JOIN student_profiles sp ON sp.student_id = sm.student_id`;

/** teacher-console on the contract tables: the students of a course, then its last 30 days. */
export const CONSOLE_METRICS = `
  SELECT student_id, course_id, engagement_score, success_rate
  FROM student_metrics
  WHERE course_id = $1`;
export const CONSOLE_TEMPORAL = `
  SELECT course_id, feature_date, engagement_ma7, engagement_ma30
  FROM temporal_features
  WHERE course_id = $1 AND feature_date >= CURRENT_DATE - INTERVAL '30 days'
  ORDER BY feature_date`;

/** The trend of each course, and the list of all students. */
export const CONSOLE_TREND = `
  SELECT course_id, feature_date, AVG(engagement_ma7) AS engagement
  FROM temporal_features
  WHERE feature_date >= CURRENT_DATE - INTERVAL '30 days'
  GROUP BY course_id, feature_date
  ORDER BY course_id, feature_date`;
export const CONSOLE_STUDENTS = `
  SELECT student_id, AVG(engagement_score) AS engagement, AVG(success_rate) AS success_rate
  FROM student_metrics
  GROUP BY student_id
  ORDER BY student_id`;

/** Runs in a transaction with the search_path of a reader. */
export const readAs = <T>(db: Database, searchPath: string, work: (tx: Queryable) => Promise<T>): Promise<T> =>
  db.transaction(async (tx) => {
    await tx.query(`SET LOCAL search_path = ${searchPath}`);
    return work(tx);
  });
