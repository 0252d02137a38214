import type { ActivityImage, ActivityObservation } from '#libs/clean/activity-logs.ts';
import type { Aliases } from '#libs/clean/activity-types.ts';
import type { EnrollmentImage } from '#libs/clean/enrollments.ts';
import type { GradeImage } from '#libs/clean/grades.ts';
import { isRejected, type Rejected, type RejectionReason } from '#libs/clean/rejection.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import { openZone } from '#libs/domain/zone.ts';

/** Milliseconds of a written time. */
export const ms = (text: string): number => Date.parse(`${text}Z`);

export const NOON = ms('2026-03-20T12:00:00');

export const reading = (source = 'UTC', institution = source, aliases: Aliases = new Map()): ReadingSettings => ({
  sourceZone: openZone(source),
  institutionZone: openZone(institution),
  aliases,
});
export const UTC = reading();

const KEY = { student_id: 1, course_id: 2 };

/** A readable row; a test gives only what is special about its own. */
export const activityRow = (special: Partial<ActivityImage> = {}): ActivityImage => ({
  ...KEY,
  activity_type: 'view',
  resource_id: 'r1',
  duration_seconds: null,
  timestamp: NOON,
  metadata: null,
  ...special,
});

export const completionRow = (special: Partial<ActivityImage> = {}): ActivityImage =>
  activityRow({ activity_type: 'completion', metadata: '{"state": 1}', ...special });

export const gradeRow = (special: Partial<GradeImage> = {}): GradeImage => ({
  ...KEY,
  grade_item: 'Essay',
  grade_value: '12.5',
  grade_max: '20',
  timestamp: NOON,
  ...special,
});

export const enrollmentRow = (special: Partial<EnrollmentImage> = {}): EnrollmentImage => ({
  ...KEY,
  enrolled_at: NOON,
  ...special,
});

/** Why a row was rejected; null if it is readable. */
export const reasonOf = (result: object): RejectionReason | null => (isRejected(result) ? result.rejected : null);

/** @throws Error if the row was rejected */
export function accepted<T extends object>(result: T | Rejected): T {
  if (isRejected(result)) throw new Error(`the row was rejected: ${result.rejected}`);
  return result;
}

/** @throws Error if the row is not an event */
export function asEvent(result: ActivityObservation | Rejected): Extract<ActivityObservation, { kind: 'event' }> {
  const row = accepted<ActivityObservation>(result);
  if (row.kind !== 'event') throw new Error('the row is a completion');
  return row;
}
