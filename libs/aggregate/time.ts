import type { Event } from './events.ts';

/**
 * The milliseconds credited to each event: its recorded duration if there is one, else the gap to the next event of the
 * same local day if that is at most `sessionGapMs`, else nothing.
 * @param events in order of day and time; at the same time, those with a duration first
 */
export function creditedTimes(events: readonly Event[], sessionGapMs: number): number[] {
  return events.map((event, index) => {
    if (event.duration > 0) return event.duration * 1000;
    const next = events[index + 1];
    if (next === undefined || next.day !== event.day) return 0;
    const gap = next.at - event.at;
    return gap <= sessionGapMs ? gap : 0;
  });
}
