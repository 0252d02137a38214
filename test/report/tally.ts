import type { FlagName } from '#libs/domain/flags.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';

/** The open flags of one student in one course, by day. */
export interface FlaggedDays {
  readonly firstDay: LocalDay;
  readonly flags: readonly (readonly FlagName[])[];
  /** Of attention. */
  readonly points: readonly number[];
  /** Since when attention is open, as an index of the days; null: it is not. */
  readonly since: readonly (number | null)[];
  /** Ascending. */
  readonly activeDays: readonly LocalDay[];
}

/** Something that really happened to one student in one course, or a way of studying that goes on. */
export interface Truth {
  readonly story: string;
  readonly from: LocalDay;
  /** Null: it goes on. */
  readonly to: LocalDay | null;
}

/** What says of somebody that a teacher should look. */
export const LESS: readonly FlagName[] = ['attention'];

/** A flag that opened: it was closed on the day before. */
export interface Opening {
  readonly day: LocalDay;
  readonly name: FlagName;
}

/** Every opening, in order of day and name. A flag that is open on the first day opens on it. */
export const openingsOf = ({ firstDay, flags }: FlaggedDays): Opening[] =>
  flags.flatMap((names, index) =>
    names.filter((name) => flags[index - 1]?.includes(name) !== true).map((name) => ({ day: firstDay + index, name })),
  );

/** A flag that opens so many days after the end of what happened may still be of it. */
const AFTERMATH_DAYS = 14;

/**
 * The first of these flags that opened from the first day of what happened on, and how many days later; null where none did.
 */
export function noticed(
  days: FlaggedDays,
  { from, to }: Truth,
  names: readonly FlagName[] = LESS,
): { readonly delay: number; readonly name: FlagName } | null {
  const until = to === null ? Number.POSITIVE_INFINITY : to + AFTERMATH_DAYS;
  const first = openingsOf(days).find(({ day, name }) => day >= from && day <= until && names.includes(name));
  return first === undefined ? null : { delay: first.day - from, name: first.name };
}

/** The middle value; the mean of the middle two of an even number; null of nothing. */
export function medianOf(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0);
  return sorted.length === 0 ? null : middle / 2;
}

/** What became of the keys of one story, and in the same days of those who are always there. */
export class StoryTally {
  keys = 0;
  readonly delays: number[] = [];
  readonly firstBy = new Map<FlagName, number>();
  #compared = 0;
  #byChance = 0;

  add(days: FlaggedDays, truth: Truth, steady: readonly FlaggedDays[] = []): void {
    this.keys += 1;
    this.#compared += steady.length;
    this.#byChance += steady.filter((other) => noticed(other, truth) !== null).length;
    const found = noticed(days, truth);
    if (found === null) return;
    this.delays.push(found.delay);
    this.firstBy.set(found.name, (this.firstBy.get(found.name) ?? 0) + 1);
  }

  /** Percent of the keys. */
  get recall(): number | null {
    return this.keys === 0 ? null : (100 * this.delays.length) / this.keys;
  }

  /** Percent of steady students of whom the same would have been said: what recall is worth. */
  get byChance(): number | null {
    return this.#compared === 0 ? null : (100 * this.#byChance) / this.#compared;
  }
}

/** Flags of those to whom nothing happens. */
export class FalseFlagTally {
  weeks = 0;
  readonly openings = new Map<FlagName, number>();

  add(days: FlaggedDays): void {
    this.weeks += days.flags.length / 7;
    for (const { name } of openingsOf(days)) this.openings.set(name, (this.openings.get(name) ?? 0) + 1);
  }

  /** Openings of a flag, or of all, per 100 weeks of a student in a course. */
  rate(name?: FlagName): number | null {
    const all = name === undefined ? [...this.openings.values()] : [this.openings.get(name) ?? 0];
    return this.weeks === 0 ? null : (100 * all.reduce((sum, n) => sum + n, 0)) / this.weeks;
  }
}
