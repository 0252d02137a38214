import { Cron } from 'croner';

/** Moments that come again and again, by a cron pattern in UTC: no zone's summer time moves, doubles or loses one. */
export interface Schedule {
  /** As it was written. */
  readonly pattern: string;
  /**
   * The last moment at or before `now`, both milliseconds since 1970; null: the pattern has none yet.
   */
  lastUntil(now: number): number | null;
}

/**
 * @param pattern five fields: minute, hour, day of the month, month, day of the week
 * @throws Error when it is no such pattern, or one whose moment never comes
 */
export function parseSchedule(pattern: string): Schedule {
  const cron = new Cron(pattern, { timezone: 'UTC', mode: '5-part', paused: true });
  if (cron.nextRun() === null) throw new Error(`"${pattern}" never comes`);
  // Looking a moment up takes milliseconds, and it is asked for each second.
  let known = { last: Number.POSITIVE_INFINITY, next: Number.NEGATIVE_INFINITY };
  return {
    pattern,
    lastUntil: (now) => {
      if (now < known.last || now >= known.next) {
        const from = new Date(now);
        // A moment counts as previous from the millisecond after it on.
        const last = cron.previousRuns(1, new Date(now + 1))[0]?.getTime() ?? Number.NEGATIVE_INFINITY;
        known = { last, next: cron.nextRun(from)?.getTime() ?? Number.POSITIVE_INFINITY };
      }
      return known.last === Number.NEGATIVE_INFINITY ? null : known.last;
    },
  };
}
