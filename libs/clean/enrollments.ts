import type { SourceImage } from '#libs/domain/change.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';
import { type Rejected, rejected } from './rejection.ts';
import type { ReadingSettings } from './settings.ts';
import { readInstant } from './time.ts';

export type EnrollmentImage = SourceImage<'enrollments'>;

/** The student is enrolled, since `at` if the row says so. */
export interface EnrollmentObservation {
  readonly at: Instant | null;
  readonly day: LocalDay | null;
}

export function readEnrollment(image: EnrollmentImage, settings: ReadingSettings): EnrollmentObservation | Rejected {
  if (image.student_id === null) return rejected('no_student');
  if (image.course_id === null) return rejected('no_course');
  const at = readInstant(image.enrolled_at, settings.sourceZone);
  return { at, day: at === null ? null : settings.institutionZone.dayOf(at) };
}
