import type { LocalDay } from '#libs/domain/local-date.ts';
import type { GradeStep } from './member.ts';
import type { ClassNumbers } from './numbers.ts';

/** What a key's attention depends on. */
export interface AttentionKey {
  /** The key's first day, not after as of. */
  readonly firstDay: LocalDay;
  readonly asOf: LocalDay;
  /** Ascending, each once. */
  readonly activeDays: readonly LocalDay[];
  /** First days, by source and item with a space between. */
  readonly handedIn: ReadonlyMap<string, LocalDay>;
  /** In order of days. */
  readonly grades: readonly GradeStep[];
  /** The course's class numbers; null: it has none, and nothing is judged. */
  readonly numbers: ClassNumbers | null;
}

/** Whether enough keys attend on a day for comparisons. */
export const isJudged = (numbers: ClassNumbers | null, day: LocalDay): boolean =>
  numbers !== null && (numbers.usual[day - numbers.firstDay] ?? null) !== null;

/** A reason's points on each day from a key's first one to as of. */
export interface ReasonDays<T> {
  /** By day; null: unknown. */
  readonly points: readonly (number | null)[];
  /** What one day's points follow from. @param index of the day, from the key's first one */
  on(index: number): T;
}

/** Sums, for each day, the amounts that were added to runs of days; each run costs the same, however long it is. */
export class RunningSums {
  readonly #firstDay: LocalDay;
  readonly #changes: Float64Array;

  constructor(firstDay: LocalDay, days: number) {
    this.#firstDay = firstDay;
    this.#changes = new Float64Array(days + 1);
  }

  /** Adds to the days from one to another, both inclusive; nothing if `from` is later than `to`, or outside the range. */
  add(from: LocalDay, to: LocalDay, amount: number): void {
    const first = Math.max(from - this.#firstDay, 0);
    const end = Math.min(to - this.#firstDay + 1, this.#changes.length - 1);
    if (first >= end) return;
    this.#changes[first] = (this.#changes[first] ?? 0) + amount;
    this.#changes[end] = (this.#changes[end] ?? 0) - amount;
  }

  values(): Float64Array {
    const sums = this.#changes.slice(0, -1);
    for (let day = 1; day < sums.length; day += 1) sums[day] = (sums[day] ?? 0) + (sums[day - 1] ?? 0);
    return sums;
  }
}
