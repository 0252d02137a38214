import { completionsOf } from '#libs/aggregate/completions.ts';
import { type EngagementFacts, engagementFacts } from '#libs/aggregate/engagement.ts';
import { GradeBook, type GradeFact, gradesByDay } from '#libs/aggregate/grades.ts';
import type { ActivityObservation } from '#libs/clean/activity-logs.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';

/** Whether days never go backwards as time goes on. They do if a clock is set back across midnight. */
export function areDaysInOrder(rows: readonly { readonly at: Instant; readonly day: LocalDay }[]): boolean {
  const ordered = rows.toSorted((a, b) => a.at - b.at);
  return ordered.every(({ day }, index) => day >= (ordered[index - 1]?.day ?? day));
}

/** How many of these ascending days are on or before `day`. */
function countUntil(days: readonly LocalDay[], day: LocalDay): number {
  let [low, high] = [0, days.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((days[middle] ?? 0) <= day) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The facts of engagement as of any day up to a last one, each equal to the result of {@link engagementFacts} for that day,
 * from one pass over all rows. Days have to be in order: otherwise a fact of a day may depend on a row of the next.
 */
export class EngagementFactsByDay {
  /** As of the last day. */
  readonly all: EngagementFacts;
  readonly #eventDays: readonly LocalDay[];
  readonly #completions: readonly ActivityObservation[];

  constructor(activities: readonly ActivityObservation[], last: LocalDay) {
    this.all = engagementFacts(activities, last);
    this.#eventDays = this.all.events.map(({ day }) => day);
    this.#completions = activities.filter((row) => row.kind === 'completion' && row.day <= last);
  }

  on(day: LocalDay): EngagementFacts {
    const { events, activeDays, firstRowDay } = this.all;
    const count = countUntil(this.#eventDays, day);
    const completions =
      this.#completions.length === 0
        ? this.all.completions
        : completionsOf(this.#completions.filter((row) => row.day <= day));
    let last = events[count - 1]?.at ?? null;
    for (const { at } of completions.reached) last = last === null || at > last ? at : last;
    return {
      events: events.slice(0, count),
      completions,
      activeDays: activeDays.slice(0, countUntil(activeDays, day)),
      lastActivityAt: last,
      firstRowDay: firstRowDay !== null && firstRowDay <= day ? firstRowDay : null,
    };
  }
}

/** The facts of grades as of any day; ask for days in ascending order. */
export class GradeFactsByDay {
  readonly #rows: [day: LocalDay, rows: readonly GradeObservation[]][];
  readonly #book = new GradeBook();
  #taken = 0;
  #facts: readonly GradeFact[] = [];

  constructor(grades: readonly GradeObservation[], last: LocalDay) {
    this.#rows = gradesByDay(grades, last);
  }

  on(day: LocalDay): readonly GradeFact[] {
    const before = this.#taken;
    for (let next = this.#rows[before]; next !== undefined && next[0] <= day; next = this.#rows[this.#taken]) {
      for (const row of next[1]) this.#book.add(row);
      this.#taken += 1;
    }
    if (this.#taken > before) this.#facts = this.#book.facts();
    return this.#facts;
  }
}
