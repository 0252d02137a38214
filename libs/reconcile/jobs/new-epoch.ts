import type { Log } from '#libs/platform/log.ts';
import { type Loop, startLoop } from '#libs/platform/loop/loop.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { readUnstagedTables } from '#libs/store/progress/progress.ts';
import { findUnreconciledEpoch, requestRun } from '#libs/store/runs/runs.ts';

/**
 * Requests a full reconcile once the initial snapshot of a new epoch has been taken in over Kafka. Rows that it lacks were
 * deleted while nobody followed the log; but its rows come in partitions to several processes, none of which sees them all.
 * Only the reconcile does. The very first epoch has nothing older. So it is with rows that Debezium leaves out when it goes on
 * in the midst of a transaction. A run that has failed is followed by another, later each time; one that was cancelled is not.
 * @returns the run it requested; null: none is due, or another one is under way and has to end first
 */
export async function reconcileNewEpoch(db: Database, log: Log): Promise<string | null> {
  const found = await findUnreconciledEpoch(db);
  if (found?.is_due !== true || (await readUnstagedTables(db)).length > 0) return null;
  const runId = await requestRun(db, {
    mode: 'reconcile',
    scope: {},
    dryRun: false,
    requestedBy: 'schedule',
    // Only one run can be for a time.
    ...(found.last_status === null ? { scheduledFor: found.since.getTime() } : {}),
  });
  const why = found.resumed ? 'was resumed in the midst of a transaction' : 'is taken in';
  if (runId !== null) log.info({ runId, epoch: found.epoch }, `a run was asked for: epoch ${found.epoch} ${why}`);
  return runId;
}

const LOOK_EVERY_MS = 5_000;

/** Independent of the schedule. Any number of processes may do this: each epoch gets one run that succeeds. */
export const startEpochRuns = (db: Database, log: Log): Loop =>
  startLoop({
    name: 'the runs after new epochs',
    wake: new WorkSignal(),
    log,
    pollMs: LOOK_EVERY_MS,
    step: async () => {
      await reconcileNewEpoch(db, log);
      return 'idle';
    },
  });
