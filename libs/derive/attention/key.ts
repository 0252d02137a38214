import type { LocalDay } from '#libs/domain/local-date.ts';
import type { GradeStep } from './member.ts';
import type { ClassNumbers } from './numbers.ts';

/** What a key's attention follows from. */
export interface AttentionKey {
  /** The key's first day, not after as of. */
  readonly firstDay: LocalDay;
  readonly asOf: LocalDay;
  /** Ascending, each once. */
  readonly activeDays: readonly LocalDay[];
  /** First days by source and item, with a space between. */
  readonly handedIn: ReadonlyMap<string, LocalDay>;
  /** In order of days. */
  readonly grades: readonly GradeStep[];
  /** Of the course; null: it has none, and nothing is judged. */
  readonly numbers: ClassNumbers | null;
}

/** Whether enough attend on a day to compare anybody with. */
export const isJudged = (numbers: ClassNumbers | null, day: LocalDay): boolean =>
  numbers !== null && (numbers.usual[day - numbers.firstDay] ?? null) !== null;

/** What a reason comes to on each day from a key's first one to as of. */
export interface ReasonDays<T> {
  /** By days; null: not known. */
  readonly points: readonly (number | null)[];
  /** What the points of one day follow from. @param index of the day, from the key's first one */
  on(index: number): T;
}

/** What is added to runs of days, summed for each day; each run costs the same, however long it is. */
export class RunningSums {
  readonly #firstDay: LocalDay;
  readonly #changes: Float64Array;

  constructor(firstDay: LocalDay, days: number) {
    this.#firstDay = firstDay;
    this.#changes = new Float64Array(days + 1);
  }

  /** From one day to another, both among them; nothing where the first is later, and none outside the days there are. */
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
