import { openStatements } from '../statements.ts';

/** Statements on feature rows, series and the outbox. */
export const { sql: featureSql, fillTemplate: fillFeatureTemplate } = openStatements(
  import.meta.url,
  [
    'class_members',
    'class_write',
    'outbox_forget_topic',
    'outbox_lock_keys',
    'outbox_plan',
    'outbox_put',
    'outbox_put_back',
    'outbox_sent',
    'reconcile_published',
    'stored_days',
  ],
  {
    class_read:
      'SELECT course_id, first_day, attending::text AS attending, usual::text AS usual, sources, expected, grades FROM state.course_class WHERE course_id = ANY ($1::integer[])',
    class_remove: 'DELETE FROM state.course_class WHERE course_id = $1::integer',
    /** For a new topic, to which nothing was ever sent. */
    outbox_begin_topic:
      'WITH incomplete AS (DELETE FROM state.feature_topic WHERE topic = $1) DELETE FROM state.published WHERE topic = $1',
    outbox_complete_topic: 'INSERT INTO state.feature_topic (topic) VALUES ($1) ON CONFLICT (topic) DO NOTHING',
    /** One relay per topic. The session holds the lock, so it is released when the connection ends. */
    outbox_lock: 'SELECT pg_try_advisory_lock($1::integer, hashtext($2)) AS held',
    outbox_topic_complete: 'SELECT FROM state.feature_topic WHERE topic = $1',
    outbox_waiting: 'SELECT count(*) AS waiting, min(noted_at) AS oldest FROM outbox WHERE topic = $1',
  },
);
