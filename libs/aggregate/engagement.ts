import type { ActivityObservation, EventObservation } from '#libs/clean/activity-logs.ts';
import type { EnrollmentObservation } from '#libs/clean/enrollments.ts';
import { earlierDay, type LocalDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';
import { type Completions, completionsOf, type Reached } from './completions.ts';
import { type FirstDays, FirstDaysBuilder } from './coverage.ts';
import { type Event, eventsOf } from './events.ts';
import type { KeyEvidence } from './evidence.ts';
import type { FoldRules } from './folded-rows.ts';

export interface EngagementRows {
  readonly enrollments: readonly EnrollmentObservation[];
  readonly activities: readonly ActivityObservation[];
}

export interface Enrolment {
  readonly enrolled: boolean;
  /** The earliest known; null if not enrolled, or if no row has a date. */
  readonly at: Instant | null;
  readonly day: LocalDay | null;
  /** A row without a date exists, so the enrolment holds on every day. */
  readonly undated: boolean;
}

/** The facts about one student in one course. */
export interface EngagementFacts {
  /** In order of day and time; at the same time, those with a duration first. */
  readonly events: readonly Event[];
  readonly completions: Completions;
  /** Local days with an event or a completion reached, ascending, each once. */
  readonly activeDays: readonly LocalDay[];
  /** Latest event or completion reached. */
  readonly lastActivityAt: Instant | null;
  /** Day of the first readable row, whatever it says. */
  readonly firstRowDay: LocalDay | null;
}

/** Facts as of `asOf`: only from rows dated on or before it. */
export function engagementFacts(activities: readonly ActivityObservation[], asOf: LocalDay): EngagementFacts {
  const rows = activities.filter((row) => row.day <= asOf);
  const events = eventsOf(rows);
  const completions = completionsOf(rows);
  const days = new Set<LocalDay>();
  let last: Instant | null = null;
  const see = ({ day, at }: Reached): void => {
    days.add(day);
    if (last === null || at > last) last = at;
  };
  events.forEach(see);
  completions.reached.forEach(see);
  return {
    events,
    completions,
    activeDays: [...days].sort((a, b) => a - b),
    lastActivityAt: last,
    firstRowDay: rows.reduce<LocalDay | null>((first, row) => earlierDay(first, row.day), null),
  };
}

/** Rows with the same time count once. */
export const ENROLMENT_RULES: FoldRules<EnrollmentObservation> = {
  subject: (row) => String(row.at),
  same: () => true,
  compare: () => 0,
  at: (row) => row.at ?? 0,
  day: (row) => row.day ?? 0,
};

/** The enrolment by `today`, from rows without a date and those dated on or before it. */
export function enrolmentBy(enrollments: readonly EnrollmentObservation[], today: LocalDay): Enrolment {
  const known = enrollments.filter((row) => row.day === null || row.day <= today);
  let earliest: EnrollmentObservation | undefined;
  for (const row of known) if (row.at !== null && (earliest?.at == null || row.at < earliest.at)) earliest = row;
  return {
    enrolled: known.length > 0,
    at: earliest?.at ?? null,
    day: earliest?.day ?? null,
    undated: known.some((row) => row.day === null),
  };
}

/**
 * What the rows dated on or before `today` say about the course and the key.
 * @param facts as of `today`
 */
export function engagementEvidence(
  rows: EngagementRows,
  today: LocalDay,
  { activeDays }: EngagementFacts = engagementFacts(rows.activities, today),
): KeyEvidence {
  const firstActive = activeDays[0] ?? null;
  return {
    firstDays: firstDaysOf(rows.activities, today),
    firstFact: firstActive,
    lastFact: activeDays.at(-1) ?? null,
    firstDay: earlierDay(enrolmentBy(rows.enrollments, today).day, firstActive),
    nextDay: nextDay(rows, today),
  };
}

function firstDaysOf(activities: readonly ActivityObservation[], today: LocalDay): FirstDays {
  const days = new FirstDaysBuilder();
  for (const row of activities) {
    if (row.day > today) continue;
    if (row.kind === 'completion') {
      days.see('completion_row', row.day);
      if (row.state === 0 || row.state === 3) days.see('not_done', row.day);
    } else seeEvent(days, row);
  }
  return days.build();
}

function seeEvent(days: FirstDaysBuilder, row: EventObservation): void {
  days.see('event', row.day);
  if (row.duration > 0) days.see('duration', row.day);
  if (!row.siteAccess) days.see('course_event', row.day);
  if (row.type === 'login' || row.type === 'view' || row.type === 'forum_post' || row.type === 'submission') {
    days.see(row.type, row.day);
  }
}

function nextDay(rows: EngagementRows, today: LocalDay): LocalDay | null {
  let next: LocalDay | null = null;
  for (const { day } of [...rows.enrollments, ...rows.activities])
    if (day !== null && day > today) next = earlierDay(next, day);
  return next;
}
