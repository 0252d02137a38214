import { openStatements } from '../statements.ts';

/** Statements on runs of the pipeline. */
export const { sql: runSql } = openStatements(
  import.meta.url,
  [
    'epoch_unreconciled',
    'run_cancel',
    'run_claim',
    'run_dead',
    'run_end',
    'run_find',
    'run_guard',
    'run_release',
    'run_renew',
    'run_request',
    'run_since',
    'runs_retain',
    'schedule_since',
  ],
  {
    notify: 'SELECT pg_notify($1, $2)',
  },
);
