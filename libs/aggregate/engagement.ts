import type {
  ActivityObservation,
  CompletionObservation,
  EventObservation,
  EventType,
} from '#libs/clean/activity-logs.ts';
import type { EnrollmentObservation } from '#libs/clean/enrollments.ts';
import type { CompletionState } from '#libs/clean/metadata.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { earlierDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';
import { type CourseEvidence, FirstDaysBuilder } from './coverage.ts';

/** One thing a student did, however many rows say so. */
export interface Event {
  readonly type: EventType;
  readonly resource: string | null;
  readonly at: Instant;
  readonly day: LocalDay;
  /** Seconds, the largest of its rows; 0 when none says. */
  readonly duration: number;
}

export interface EngagementRows {
  readonly enrollments: readonly EnrollmentObservation[];
  readonly activities: readonly ActivityObservation[];
}

export interface Enrolment {
  readonly enrolled: boolean;
  /** The earliest known; null when not enrolled or when no row says. */
  readonly at: Instant | null;
}

/** What holds of one student in one course. */
export interface EngagementFacts {
  /** In order of time; at one time those with a duration first. */
  readonly events: readonly Event[];
  /** Local days with an event or a completion reached, ascending, each once. */
  readonly activeDays: readonly LocalDay[];
  /** Latest event or completion reached. */
  readonly lastActivityAt: Instant | null;
  readonly hasActivityRows: boolean;
}

/** Facts as of `asOf`: from the rows dated on or before it alone. */
export function engagementFacts(activities: readonly ActivityObservation[], asOf: LocalDay): EngagementFacts {
  const rows = activities.filter((row) => row.day <= asOf);
  const events = eventsOf(rows);
  const reached = completionsReached(rows);
  const days = new Set<LocalDay>();
  let last: Instant | null = null;
  for (const { day, at } of [...events, ...reached]) {
    days.add(day);
    last = last === null || at > last ? at : last;
  }
  return {
    events,
    activeDays: [...days].sort((a, b) => a - b),
    lastActivityAt: last,
    hasActivityRows: rows.length > 0,
  };
}

/** The enrolment by `today`: rows without a date, and those dated on or before it. */
export function enrolmentBy(enrollments: readonly EnrollmentObservation[], today: LocalDay): Enrolment {
  const known = enrollments.filter((row) => row.day === null || row.day <= today);
  let at: Instant | null = null;
  for (const row of known) if (row.at !== null && (at === null || row.at < at)) at = row.at;
  return { enrolled: known.length > 0, at };
}

/** What the rows dated on or before `today` say about the course. */
export function engagementEvidence(activities: readonly ActivityObservation[], today: LocalDay): CourseEvidence {
  const days = new FirstDaysBuilder();
  const rows = activities.filter((row) => row.day <= today);
  for (const row of rows) {
    if (row.kind === 'completion') {
      days.see('completion_row', row.day);
      if (row.state === 0 || row.state === 3) days.see('not_done', row.day);
    } else seeEvent(days, row);
  }
  const { activeDays } = engagementFacts(rows, today);
  return { firstDays: days.build(), firstFact: activeDays[0] ?? null, lastFact: activeDays.at(-1) ?? null };
}

function seeEvent(days: FirstDaysBuilder, row: EventObservation): void {
  days.see('event', row.day);
  if (row.duration > 0) days.see('duration', row.day);
  if (!row.siteAccess) days.see('course_event', row.day);
  if (row.type === 'login' || row.type === 'view' || row.type === 'forum_post' || row.type === 'submission') {
    days.see(row.type, row.day);
  }
}

/** The first row dated after `today`; the key has to be looked at again on that day. */
export function nextEngagementDay(rows: EngagementRows, today: LocalDay): LocalDay | null {
  let next: LocalDay | null = null;
  for (const { day } of [...rows.enrollments, ...rows.activities])
    if (day !== null && day > today) next = earlierDay(next, day);
  return next;
}

/** Rows of equal type, resource, time and event id are one event. */
function eventsOf(rows: readonly ActivityObservation[]): Event[] {
  const events = new Map<string, Event>();
  for (const row of rows) {
    if (row.kind !== 'event') continue;
    // JSON keeps the parts apart: resources and event ids may hold any character.
    const key = JSON.stringify([row.at, row.type, row.resource, row.eventId]);
    const known = events.get(key);
    if (known === undefined || row.duration > known.duration) {
      events.set(key, { type: row.type, resource: row.resource, at: row.at, day: row.day, duration: row.duration });
    }
  }
  return [...events.values()].sort((a, b) => a.at - b.at || Number(b.duration > 0) - Number(a.duration > 0));
}

const isDone = (state: CompletionState): boolean => state === 1 || state === 2;
/** Rows of one time are one state, the highest ranked: passed, done, failed, not done. */
const STATE_RANK: Readonly<Record<CompletionState, number>> = { 2: 3, 1: 2, 3: 1, 0: 0 };

export interface Reached {
  readonly at: Instant;
  readonly day: LocalDay;
}

/**
 * Each time a resource turns from not done to done. A run of done rows with no not-done row before it was done before
 * anybody looked, and is not activity.
 */
export function completionsReached(rows: readonly ActivityObservation[]): Reached[] {
  const byResource = new Map<string, Map<Instant, CompletionObservation>>();
  for (const row of rows) {
    if (row.kind !== 'completion') continue;
    const times = byResource.get(row.resource) ?? new Map<Instant, CompletionObservation>();
    byResource.set(row.resource, times);
    const known = times.get(row.at);
    if (known === undefined || STATE_RANK[row.state] > STATE_RANK[known.state]) times.set(row.at, row);
  }
  const reached: Reached[] = [];
  for (const times of byResource.values()) {
    let wasDone: boolean | undefined;
    for (const { state, at, day } of [...times.values()].sort((a, b) => a.at - b.at)) {
      if (isDone(state) && wasDone === false) reached.push({ at, day });
      wasDone = isDone(state);
    }
  }
  return reached;
}
