import { type FirstDays, NO_FIRST_DAYS } from '#libs/aggregate/coverage.ts';
import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import { earlierDay, type LocalDay, laterDay } from '#libs/domain/local-date.ts';
import { courseAsOf } from './course-as-of.ts';

/** What a course's keys add up to, derived or as stored. */
export interface CourseFacts {
  readonly coveredFrom: FirstDays;
  readonly firstFact: LocalDay | null;
  readonly lastFact: LocalDay | null;
  readonly asOf: LocalDay;
}

/** Adds up what the rows of a course's keys say, key by key. */
export class CourseSums {
  #coveredFrom: (LocalDay | null)[] = [...NO_FIRST_DAYS];
  #firstFact: LocalDay | null = null;
  #lastFact: LocalDay | null = null;

  add({ firstDays, firstFact, lastFact }: KeyEvidence): void {
    this.#coveredFrom = this.#coveredFrom.map((day, n) => earlierDay(day, firstDays[n] ?? null));
    this.#firstFact = earlierDay(this.#firstFact, firstFact);
    this.#lastFact = laterDay(this.#lastFact, lastFact);
  }

  facts(today: LocalDay): CourseFacts {
    const lastFact = this.#lastFact;
    return { coveredFrom: this.#coveredFrom, firstFact: this.#firstFact, lastFact, asOf: courseAsOf(lastFact, today) };
  }
}
