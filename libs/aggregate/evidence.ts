import type { LocalDay } from '#libs/domain/local-date.ts';
import { type FirstDays, NO_FIRST_DAYS, sameFirstDays } from './coverage.ts';

/** What the rows of one key, dated on or before today, say about more than the key itself. */
export interface KeyEvidence {
  /** First day of each kind of data, for the course's coverage. */
  readonly firstDays: FirstDays;
  /** Days of the first and last fact that count for the course's as-of. */
  readonly firstFact: LocalDay | null;
  readonly lastFact: LocalDay | null;
  /** The key's own first day: its enrolment, first active day or first grade row, depending on its family. */
  readonly firstDay: LocalDay | null;
  /** The first day after today that has a row of the key, which must be derived again then. */
  readonly nextDay: LocalDay | null;
}

/** The evidence of a key without informative rows. */
export const NO_EVIDENCE: KeyEvidence = {
  firstDays: NO_FIRST_DAYS,
  firstFact: null,
  lastFact: null,
  firstDay: null,
  nextDay: null,
};

/** True if both imply the same coverage and first fact for the course. */
export const sameFirsts = (a: KeyEvidence, b: KeyEvidence): boolean =>
  a.firstFact === b.firstFact && sameFirstDays(a.firstDays, b.firstDays);

export const sameEvidence = (a: KeyEvidence, b: KeyEvidence): boolean =>
  sameFirsts(a, b) && a.lastFact === b.lastFact && a.firstDay === b.firstDay && a.nextDay === b.nextDay;
