import { loadStatements } from '#libs/platform/postgres/database.ts';

export const datasetSql = {
  ...loadStatements(new URL('./sql/', import.meta.url), ['dataset_courses', 'dataset_keys']),
  /** The first statement of a transaction all of whose readings are of one moment. */
  dataset_snapshot: { name: 'dataset/snapshot', text: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY' },
  dataset_position: {
    name: 'dataset/position',
    text: 'SELECT stream, epoch, applied::text AS applied, phase FROM stream_progress ORDER BY stream',
  },
};
