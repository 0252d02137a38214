import type { LocalDay } from '#libs/domain/local-date.ts';
import { earlierDay } from '#libs/domain/local-date.ts';

/**
 * The kinds of data that a course may or may not collect. A course covers a kind from the local day of any student's first
 * live fact of that kind. `course_event` is an event that is more than a copied site access; without one, the course's
 * activity is the site's. The order is that of the stored arrays: append only (libs/README.md, Stored orders).
 */
export const COVERAGE_KINDS = [
  'login',
  'view',
  'forum_post',
  'submission',
  'completion_row',
  'event',
  'duration',
  'not_done',
  'course_event',
] as const;
export type CoverageKind = (typeof COVERAGE_KINDS)[number];

/** First day per kind, in the order of {@link COVERAGE_KINDS}; null if there is none. */
export type FirstDays = readonly (LocalDay | null)[];

export const NO_FIRST_DAYS: FirstDays = COVERAGE_KINDS.map(() => null);

/** The index of each kind in the arrays. */
const PLACE_OF = Object.fromEntries(COVERAGE_KINDS.map((kind, place) => [kind, place])) as Record<CoverageKind, number>;

export const firstDayOf = (days: FirstDays, kind: CoverageKind): LocalDay | null => days[PLACE_OF[kind]] ?? null;

/** True if both have the same first day for every kind. */
export const sameFirstDays = (a: FirstDays, b: FirstDays): boolean =>
  COVERAGE_KINDS.every((kind) => firstDayOf(a, kind) === firstDayOf(b, kind));

/** True if the kind was covered by the end of `day`. */
export function isCovered(days: FirstDays, kind: CoverageKind, day: LocalDay): boolean {
  const first = firstDayOf(days, kind);
  return first !== null && first <= day;
}

/** Collects first days, one observation at a time. */
export class FirstDaysBuilder {
  readonly #days: (LocalDay | null)[] = [...NO_FIRST_DAYS];

  see(kind: CoverageKind, day: LocalDay): void {
    const place = PLACE_OF[kind];
    this.#days[place] = earlierDay(this.#days[place] ?? null, day);
  }

  build(): FirstDays {
    return this.#days;
  }
}
