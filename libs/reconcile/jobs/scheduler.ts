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
 * Asks for a whole reconcile at each time of the schedule. It holds no timer to the next time, but looks which time was
 * the last and whether that one had its run: so a time that passed while no process was there is made up for, several of
 * them by one run, and a clock that jumps over a time, or back over it, neither loses nor doubles it.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #since: number | undefined;
  /** The last time that nothing more has to be done for. */
  #settled: number | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** @returns the run that it asked for; null: none was due, or another one is under way and is waited for */
  async look(): Promise<string | null> {
    const { db, schedule, clock, log } = this.#options;
    const now = clock.now();
    this.#since ??= await scheduleSince(db, schedule.pattern, now);
    // A clock that was ahead at first and is right by now.
    this.#since = Math.min(this.#since, now);
    const due = schedule.lastUntil(now);
    if (due === null || due <= this.#since || due === this.#settled) return null;
    const found = await runSince(db, due);
    if (found === 'settled') this.#settled = due;
    if (found !== 'missed') return null;
    const scope = {};
    const runId = await requestRun(db, {
      mode: 'reconcile',
      scope,
      dryRun: false,
      requestedBy: 'schedule',
      scheduledFor: due,
    });
    if (runId !== null) log.info({ runId, scheduledFor: new Date(due) }, 'a scheduled run was asked for');
    return runId;
  }
}

/** Looks once a second, which costs no query while nothing is due. */
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
