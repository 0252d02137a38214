import { randomUUID } from 'node:crypto';
import type { Clock } from '#libs/domain/clock.ts';
import type { UnrecoverableError } from '#libs/domain/errors.ts';
import { startErasures } from '#libs/pipeline/erase.ts';
import { type Retention, startRetention } from '#libs/pipeline/retention.ts';
import { type Role, roleOf } from '#libs/pipeline/role.ts';
import { type Log, moduleLog } from '#libs/platform/log.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { listenForNotifications } from '#libs/platform/postgres/listen.ts';
import type { Schedule } from '#libs/platform/schedule.ts';
import type { Runner } from '#libs/reconcile/contract.ts';
import { startExecutor } from '#libs/reconcile/jobs/executor.ts';
import { startEpochRuns } from '#libs/reconcile/jobs/new-epoch.ts';
import { startScheduler } from '#libs/reconcile/jobs/scheduler.ts';
import { RUN_TIMING, type RunTiming } from '#libs/reconcile/jobs/timing.ts';
import type { RecordSigner } from '#libs/store/erasure/record.ts';
import { RUNS_CHANNEL } from '#libs/store/runs/runs.ts';

export interface ReconcileOptions {
  /** The analytics database, migrated. */
  readonly db: Database;
  /** The same, for a connection that listens for requested runs. */
  readonly analytics: DatabaseAddress;
  readonly runner: Runner;
  /** Null: nothing is scheduled; runs come from requests, and after a new epoch over Kafka. */
  readonly schedule: Schedule | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly timing?: RunTiming;
  /** Signs the records of erasures; absent: this process carries out no erasures. */
  readonly signer?: () => RecordSigner;
  /** Absent: everything is kept. */
  readonly retention?: Retention;
  /** Called with an error that keeps this process from executing any run, so that it has to end. */
  readonly onFailure?: (error: UnrecoverableError) => void;
}

/**
 * Requests runs by the schedule and after a new epoch over Kafka, executes all requested runs, carries out erasures, and
 * removes what was kept long enough. Any number of processes may do this: each run is requested once and executed by one.
 */
export function startReconcile(options: ReconcileOptions): Role {
  const { db, analytics, runner, schedule, clock, timing = RUN_TIMING, signer, retention, onFailure } = options;
  const log = moduleLog(options.log, 'reconcile');
  const wake = new WorkSignal();
  const listener = listenForNotifications({
    address: analytics,
    channel: RUNS_CHANNEL,
    log,
    onMessage: () => wake.wake(),
  });
  const executor = startExecutor({ db, runner, log, owner: randomUUID(), timing }, wake, onFailure);
  const scheduler = schedule === null ? [] : [startScheduler({ db, schedule, clock, log })];
  const erasures = signer === undefined ? [] : [startErasures({ db, signer, log })];
  const keeping = retention === undefined ? [] : [startRetention({ db, retention, log })];
  const role = roleOf([...scheduler, startEpochRuns(db, log), executor, ...erasures, ...keeping]);
  return {
    troubles: () => role.troubles(),
    stop: async () => {
      await Promise.all([listener.stop(), role.stop()]);
    },
  };
}
