import { Cron } from 'croner';

/** Recurring moments, by a cron pattern in UTC, so that no zone's summer time moves, doubles or loses one. */
export interface Schedule {
  /** As written in the setting. */
  readonly pattern: string;
  /**
   * The last moment at or before `now`, both in milliseconds since 1970; null: there has been none yet.
   */
  lastUntil(now: number): number | null;
}

/**
 * @param pattern five fields: minute, hour, day of the month, month, day of the week
 * @throws Error when it is no such pattern, or its moment never comes
 */
export function parseSchedule(pattern: string): Schedule {
  const cron = new Cron(pattern, { timezone: 'UTC', mode: '5-part', paused: true });
  if (cron.nextRun() === null) throw new Error(`"${pattern}" never comes`);
  // Computing a moment takes milliseconds, and it is asked for every second.
  let known = { last: Number.POSITIVE_INFINITY, next: Number.NEGATIVE_INFINITY };
  return {
    pattern,
    lastUntil: (now) => {
      if (now < known.last || now >= known.next) {
        const from = new Date(now);
        // The library counts a moment as previous only from the millisecond after it.
        const last = cron.previousRuns(1, new Date(now + 1))[0]?.getTime() ?? Number.NEGATIVE_INFINITY;
        known = { last, next: cron.nextRun(from)?.getTime() ?? Number.POSITIVE_INFINITY };
      }
      return known.last === Number.NEGATIVE_INFINITY ? null : known.last;
    },
  };
}
