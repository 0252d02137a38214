import { loadStatements } from '#libs/platform/postgres/database.ts';

export const datasetSql = {
  ...loadStatements(new URL('./sql/', import.meta.url), ['dataset_courses', 'dataset_keys']),
  /** The first statement of a transaction, so that all of its reads see the same moment. */
  dataset_snapshot: { name: 'dataset/snapshot', text: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY' },
  /** A reader may take its time between two pieces; other requests have less. */
  dataset_patience: { name: 'dataset/patience', text: "SET LOCAL idle_in_transaction_session_timeout = '10min'" },
  /** Keeps the session from counting as idle while nothing is read, since the rows are in memory. */
  dataset_alive: { name: 'dataset/alive', text: 'SELECT' },
  dataset_position: {
    name: 'dataset/position',
    text: 'SELECT stream, epoch, applied::text AS applied, phase FROM stream_progress ORDER BY stream',
  },
};
