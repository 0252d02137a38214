import type { Event } from '#libs/aggregate/events.ts';

/**
 * The first event of each session: a run of events within one local day, split where two are more than `sessionGapMs` apart.
 * @param events in order of day and time
 */
export function sessionStarts(events: readonly Event[], sessionGapMs: number): Event[] {
  return events.filter((event, index) => {
    const before = events[index - 1];
    return before === undefined || before.day !== event.day || event.at - before.at > sessionGapMs;
  });
}

export const countSessions = (events: readonly Event[], sessionGapMs: number): number =>
  sessionStarts(events, sessionGapMs).length;
