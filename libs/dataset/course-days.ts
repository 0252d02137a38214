import { COVERAGE_KINDS, type FirstDays, firstDayOf } from '#libs/aggregate/coverage.ts';
import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import { earlierDay, type LocalDay, laterDay } from '#libs/domain/local-date.ts';
import { courseAsOf } from '#libs/families/course-as-of.ts';
import type { DeriveContext } from '#libs/families/family.ts';

/** A course as of a day: `today` is that day, `asOf` the one that its features speak for. */
export type CourseOnDay = Omit<DeriveContext, 'otherFirstDay'>;

/** A course as of one day, from the evidence of its keys as of that day. */
export function courseOn(today: LocalDay, evidence: readonly KeyEvidence[]): CourseOnDay {
  const lastFact = evidence.reduce<LocalDay | null>((last, each) => laterDay(last, each.lastFact), null);
  return {
    today,
    asOf: courseAsOf(lastFact, today),
    coverage: coverageOf(evidence),
    courseFirstFact: evidence.reduce<LocalDay | null>((first, each) => earlierDay(first, each.firstFact), null),
  };
}

const coverageOf = (evidence: readonly KeyEvidence[]): FirstDays =>
  COVERAGE_KINDS.map((kind) =>
    evidence.reduce<LocalDay | null>((first, each) => earlierDay(first, firstDayOf(each.firstDays, kind)), null),
  );

/**
 * A course as of any day up to a last one, from everything dated up to that one; nothing dated later than a day is seen on it.
 * One coverage does for all days, since every day is judged by what was covered by then.
 */
export class CourseDays {
  readonly #coverage: FirstDays;
  /** Ascending, each once. */
  readonly #factDays: readonly LocalDay[];

  constructor(evidence: readonly KeyEvidence[], factDays: ReadonlySet<LocalDay>) {
    this.#coverage = coverageOf(evidence);
    this.#factDays = [...factDays].sort((a, b) => a - b);
  }

  on(today: LocalDay): CourseOnDay {
    const lastFact = this.#factDays.findLast((day) => day <= today) ?? null;
    const courseFirstFact = lastFact === null ? null : (this.#factDays[0] ?? null);
    return { today, asOf: courseAsOf(lastFact, today), coverage: this.#coverage, courseFirstFact };
  }
}
