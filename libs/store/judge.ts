import { type ActivityImage, readActivity } from '#libs/clean/activity-logs.ts';
import { type EnrollmentImage, readEnrollment } from '#libs/clean/enrollments.ts';
import { type GradeImage, readGrade } from '#libs/clean/grades.ts';
import { isRejected, type RejectionReason } from '#libs/clean/rejection.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import type { SourceTable } from '#libs/domain/change.ts';
import type { ImageColumns } from './image.ts';

/**
 * Why an image contributes nothing, or null where it reads. The reading is the deriver's own, so that the two never
 * disagree.
 */
export function judge(table: SourceTable, columns: ImageColumns, settings: ReadingSettings): RejectionReason | null {
  const reading = read(table, columns as unknown, settings);
  return reading !== null && isRejected(reading) ? reading.rejected : null;
}

function read(table: SourceTable, columns: unknown, settings: ReadingSettings): object | null {
  switch (table) {
    case 'enrollments':
      return readEnrollment(columns as EnrollmentImage, settings);
    case 'grades':
      return readGrade(columns as GradeImage, settings);
    case 'activity_logs':
      return readActivity(columns as ActivityImage, settings);
    case 'students':
    case 'courses':
      return null;
  }
}
