import type { SourceImage } from '#libs/domain/change.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { parseScaled } from '#libs/domain/rational.ts';
import { isBlank, isText, trimAscii } from '#libs/domain/text.ts';
import type { Instant } from '#libs/domain/zone.ts';
import { type Rejected, rejected } from './rejection.ts';
import type { ReadingSettings } from './settings.ts';
import { readInstant } from './time.ts';

export type GradeImage = SourceImage<'grades'>;

export interface GradeObservation {
  /** Trimmed; `course` and `category` always in lower case. */
  readonly item: string;
  /** Times 10^5; null: not graded yet. */
  readonly value: bigint | null;
  /** Times 10^5, above 0. */
  readonly max: bigint;
  readonly at: Instant;
  readonly day: LocalDay;
}

/** Moodle stores five decimals. */
export const GRADE_DECIMALS = 5;
const INT8_MAX = 2n ** 63n - 1n;
/** Items that Moodle computes from the others. */
export const AGGREGATE_ITEMS: ReadonlySet<string> = new Set(['course', 'category']);

export function readGrade(image: GradeImage, settings: ReadingSettings): GradeObservation | Rejected {
  if (image.student_id === null) return rejected('no_student');
  if (image.course_id === null) return rejected('no_course');
  const at = readInstant(image.timestamp, settings.sourceZone);
  if (at === null) return rejected('no_time');
  if (image.grade_item === null || isBlank(image.grade_item)) return rejected('no_item');
  if (!isText(image.grade_item)) return rejected('not_utf8');
  const max = image.grade_max === null ? undefined : parseScaled(image.grade_max, GRADE_DECIMALS);
  if (max === undefined || max <= 0n) return rejected('bad_max');
  const value = image.grade_value === null ? null : parseScaled(image.grade_value, GRADE_DECIMALS);
  if (value === undefined || (value !== null && value < 0n)) return rejected('bad_value');
  if (max > INT8_MAX || (value !== null && value > INT8_MAX)) return rejected('number_too_large');
  const item = trimAscii(image.grade_item);
  const lowered = item.toLowerCase();
  return {
    item: AGGREGATE_ITEMS.has(lowered) ? lowered : item,
    value,
    max,
    at,
    day: settings.institutionZone.dayOf(at),
  };
}
