import type { ActivityObservation, EventObservation, EventType } from '#libs/clean/activity-logs.ts';
import type { DueDate } from '#libs/clean/due-date.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';

/** One thing that a student did, however many rows record it. */
export interface Event {
  readonly type: EventType;
  readonly resource: string | null;
  readonly at: Instant;
  readonly day: LocalDay;
  /** Hour of the local day, 0–23. */
  readonly hour: number;
  /** Seconds, the largest of its rows; 0 if none has one. */
  readonly duration: number;
  /** The latest of its rows; null if none has one. */
  readonly dueAt: Instant | null;
}

/**
 * Rows of equal type, resource, time and event id are one event. In order of day, then of time (a clock set back across
 * midnight returns to the day before); at the same time, those with a duration first.
 */
export function eventsOf(rows: readonly ActivityObservation[]): Event[] {
  const ordered = rows.filter((row) => row.kind === 'event').sort((a, b) => a.at - b.at);
  const events: Event[] = [];
  for (let first = 0, next = 0; first < ordered.length; first = next) {
    while (ordered[next]?.at === ordered[first]?.at) next += 1;
    const row = ordered[first];
    if (row !== undefined && next === first + 1) events.push(toEvent(row));
    // There may be so many at one time that a spread would exhaust the stack.
    else for (const event of eventsOfOneTime(ordered.slice(first, next))) events.push(event);
  }
  return events.sort((a, b) => a.day - b.day || a.at - b.at || Number(b.duration > 0) - Number(a.duration > 0));
}

function eventsOfOneTime(rows: readonly EventObservation[]): Iterable<Event> {
  const events = new Map<string, Event>();
  for (const row of rows) {
    const key = eventKey(row);
    const known = events.get(key);
    events.set(key, known === undefined ? toEvent(row) : merge(known, row));
  }
  return events.values();
}

/** Resources and event ids may contain any character, so the length of the first separates the two. Neither is ever empty. */
export const eventKey = ({ type, resource, eventId }: EventObservation): string =>
  `${type} ${resource?.length} ${resource} ${eventId ?? ''}`;

const hasKnownDue = (row: EventObservation): row is EventObservation & { readonly dueAt: Instant | null } =>
  row.dueAt !== 'unreadable';

const toEvent = (row: EventObservation): Event => (hasKnownDue(row) ? row : { ...row, dueAt: null });

const merge = (event: Event, row: EventObservation): Event => ({
  ...event,
  duration: Math.max(event.duration, row.duration),
  dueAt: laterDue(event.dueAt, knownDue(row.dueAt)),
});

const knownDue = (due: DueDate): Instant | null => (due === 'unreadable' ? null : due);

/** The later of two due dates; a missing one does not count. */
export const laterDue = (a: Instant | null, b: Instant | null): Instant | null =>
  a === null ? b : b === null ? a : Math.max(a, b);
