import type { LocalDay } from '#libs/domain/local-date.ts';
import type { WorkSource } from '#libs/domain/work-source.ts';

/** From this day on this source shows the course's work. */
export interface SourceStep {
  readonly from: LocalDay;
  readonly source: WorkSource;
}

/** From this day on an item is expected of everybody. */
export interface ExpectedItem {
  readonly source: WorkSource;
  readonly item: string;
  readonly from: LocalDay;
}

/** From this day on an item has this class grade, in half hundredths of a percent, or none. */
export interface ClassGradeStep {
  readonly from: LocalDay;
  readonly item: string;
  readonly grade: number | null;
}

/** What a course's keys are compared with, by day: each day's numbers follow only from what is dated before it. */
export interface ClassNumbers {
  readonly firstDay: LocalDay;
  /** How many keys attend. */
  readonly attending: readonly number[];
  /** The usual number of active days out of 21; null if too few attend, and nothing is judged. */
  readonly usual: readonly (number | null)[];
  readonly sources: readonly SourceStep[];
  /** In order of (from, source, item). */
  readonly expected: readonly ExpectedItem[];
  /** In order of (from, item). */
  readonly grades: readonly ClassGradeStep[];
}
