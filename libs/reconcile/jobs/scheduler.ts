import type { Clock } from '#libs/domain/clock.ts';
import type { Log } from '#libs/platform/log.ts';
import { type Loop, startLoop } from '#libs/platform/loop/loop.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import type { Schedule } from '#libs/platform/schedule.ts';
import { requestRun, runSince, scheduleSince } from '#libs/store/runs/runs.ts';

export interface SchedulerOptions {
  readonly db: Database;
  readonly schedule: Schedule;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Requests a full reconcile at each scheduled time. Instead of setting a timer for the next time, it checks whether the
 * last one has had its run. So times that passed while no process was running are made up for, by a single run, and a
 * clock that jumps over a time, forwards or back, neither loses nor doubles it.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #since: number | undefined;
  /** The latest scheduled time that needs nothing more. */
  #settled: number | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** @returns the run it requested; null: none was due, or another one is under way and has to end first */
  async look(): Promise<string | null> {
    const { db, schedule, clock, log } = this.#options;
    const now = clock.now();
    this.#since ??= await scheduleSince(db, schedule.pattern, now);
    // The clock may have been ahead at first and corrected since.
    this.#since = Math.min(this.#since, now);
    const due = schedule.lastUntil(now);
    if (due === null || due <= this.#since || due === this.#settled) return null;
    const found = await runSince(db, due);
    if (found === 'settled') this.#settled = due;
    if (found !== 'missed') return null;
    const runId = await requestRun(db, {
      mode: 'reconcile',
      scope: {},
      dryRun: false,
      requestedBy: 'schedule',
      scheduledFor: due,
    });
    if (runId !== null) log.info({ runId, scheduledFor: new Date(due) }, 'a scheduled run was asked for');
    return runId;
  }
}

/** Checks once a second, which costs no query while nothing is due. */
export function startScheduler(options: SchedulerOptions): Loop {
  const scheduler = new Scheduler(options);
  return startLoop({
    name: 'the schedule of runs',
    wake: new WorkSignal(),
    log: options.log,
    step: async () => {
      await scheduler.look();
      return 'idle';
    },
  });
}
