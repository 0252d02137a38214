import type { CompletionObservation, EventObservation } from '#libs/clean/activity-logs.ts';
import type { EnrollmentObservation } from '#libs/clean/enrollments.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import { type LocalDay, MS_PER_DAY, parseDay } from '#libs/domain/local-date.ts';
import { parseScaled } from '#libs/domain/rational.ts';
import type { Instant } from '#libs/domain/zone.ts';

/** `2026-03-20T10:00`, with or without seconds, or a day alone, which means its noon. All in UTC. */
export const at = (text: string): Instant => {
  const ms = Date.parse(text.includes('T') ? `${text}Z` : `${text}T12:00Z`);
  if (Number.isNaN(ms)) throw new Error(`not a time: ${text}`);
  return ms;
};

export const day = parseDay;

const place = (time: string): { at: Instant; day: LocalDay } => ({
  at: at(time),
  day: Math.floor(at(time) / MS_PER_DAY),
});

/** An event as a row records it. */
export const event = (
  time: string,
  special: Partial<Omit<EventObservation, 'kind' | 'at'>> = {},
): EventObservation => ({
  kind: 'event',
  type: 'view',
  siteAccess: false,
  resource: null,
  eventId: null,
  duration: 0,
  dueAt: null,
  hour: new Date(at(time)).getUTCHours(),
  ...place(time),
  ...special,
});

export const login = (time: string): EventObservation => event(time, { type: 'login' });
export const siteAccess = (time: string): EventObservation => event(time, { type: 'login', siteAccess: true });
export const post = (time: string): EventObservation => event(time, { type: 'forum_post' });
export const view = (time: string, resource: string | null, duration = 0): EventObservation =>
  event(time, { resource, duration });

export const completion = (
  time: string,
  state: CompletionObservation['state'],
  resource = 'r1',
): CompletionObservation => ({ kind: 'completion', resource, state, ...place(time) });

export const enrolment = (time: string | null): EnrollmentObservation =>
  time === null ? { at: null, day: null } : place(time);

/** @throws Error if the text is not a number */
export function scaled(text: string): bigint {
  const number = parseScaled(text, 5);
  if (number === undefined) throw new Error(`not a number: ${text}`);
  return number;
}

export const grade = (item: string, value: string | null, time: string, max = '100'): GradeObservation => ({
  item,
  value: value === null ? null : scaled(value),
  max: scaled(max),
  ...place(time),
});
