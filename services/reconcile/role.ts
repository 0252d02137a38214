import { randomUUID } from 'node:crypto';
import type { Clock } from '#libs/domain/clock.ts';
import { type Role, roleOf } from '#libs/pipeline/role.ts';
import { type Log, moduleLog } from '#libs/platform/log.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { listenForNotifications } from '#libs/platform/postgres/listen.ts';
import type { Schedule } from '#libs/platform/schedule.ts';
import type { Runner } from '#libs/reconcile/contract.ts';
import { startExecutor } from '#libs/reconcile/jobs/executor.ts';
import { startScheduler } from '#libs/reconcile/jobs/scheduler.ts';
import { RUN_TIMING, type RunTiming } from '#libs/reconcile/jobs/timing.ts';
import { RUNS_CHANNEL } from '#libs/store/runs/runs.ts';

export interface ReconcileOptions {
  /** The analytics database, migrated. */
  readonly db: Database;
  /** The same, for a connection that hears of runs that are asked for. */
  readonly analytics: DatabaseAddress;
  readonly runner: Runner;
  /** Null: nothing is scheduled, runs are only asked for. */
  readonly schedule: Schedule | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly timing?: RunTiming;
}

/**
 * Asks for runs by the schedule, and executes those that anybody asks for. Any number of processes may: a run is asked
 * for once and executed by one.
 */
export function startReconcile(options: ReconcileOptions): Role {
  const { db, analytics, runner, schedule, clock, timing = RUN_TIMING } = options;
  const log = moduleLog(options.log, 'reconcile');
  const wake = new WorkSignal();
  const listener = listenForNotifications({
    address: analytics,
    channel: RUNS_CHANNEL,
    log,
    onMessage: () => wake.wake(),
  });
  const executor = startExecutor({ db, runner, log, owner: randomUUID(), timing }, wake);
  const scheduler = schedule === null ? [] : [startScheduler({ db, schedule, clock, log })];
  const role = roleOf([...scheduler, executor]);
  return {
    troubles: () => role.troubles(),
    stop: async () => {
      await Promise.all([listener.stop(), role.stop()]);
    },
  };
}
