import type { Database } from '#libs/platform/postgres/database.ts';
import { RECONCILE_TIMING, type ReconcileRun } from '#libs/reconcile/features/repairs.ts';
import { Ledger } from '#libs/reconcile/verdict.ts';

/** A run of everything that nobody stops or watches. */
export const reconcileRun = (db: Database, dryRun: boolean): ReconcileRun => ({
  db,
  ledger: new Ledger(),
  timing: RECONCILE_TIMING,
  context: {
    runId: '',
    mode: 'reconcile',
    scope: {},
    dryRun,
    signal: new AbortController().signal,
    progress: () => {},
    guard: () => Promise.resolve(),
  },
});
