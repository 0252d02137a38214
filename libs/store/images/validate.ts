import { type ActivityImage, type ActivityObservation, readActivity } from '#libs/clean/activity-logs.ts';
import { type EnrollmentImage, readEnrollment } from '#libs/clean/enrollments.ts';
import { type GradeImage, readGrade } from '#libs/clean/grades.ts';
import { isRejected, type RejectionReason, readOrReject } from '#libs/clean/rejection.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { ImageColumns } from './image.ts';

export interface Validation {
  /** Why the image contributes nothing; null if it can be read. */
  readonly reason: RejectionReason | null;
  /** Something odd in a readable image, to be counted. */
  readonly warning: RowWarning | null;
}

/** A due date in no known form; an unknown word for an activity. */
export type RowWarning = 'unreadable_due_date' | 'activity_other';

const FINE: Validation = { reason: null, warning: null };

/** Reads an image with the same functions as the deriver, so that the two never disagree. */
export function validateImage(table: SourceTable, columns: ImageColumns, settings: ReadingSettings): Validation {
  const unread: unknown = columns;
  switch (table) {
    case 'enrollments':
      return validateReading(readOrReject(() => readEnrollment(unread as EnrollmentImage, settings)));
    case 'grades':
      return validateReading(readOrReject(() => readGrade(unread as GradeImage, settings)));
    case 'activity_logs': {
      const reading = readOrReject(() => readActivity(unread as ActivityImage, settings));
      return isRejected(reading) ? validateReading(reading) : { reason: null, warning: warningOf(reading) };
    }
    case 'students':
    case 'courses':
      return FINE;
  }
}

const validateReading = (reading: object): Validation =>
  isRejected(reading) ? { reason: reading.rejected, warning: null } : FINE;

function warningOf(reading: ActivityObservation): RowWarning | null {
  if (reading.kind === 'completion') return null;
  if (reading.dueAt === 'unreadable') return 'unreadable_due_date';
  return reading.type === 'other' ? 'activity_other' : null;
}
