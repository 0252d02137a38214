import type { LocalDay } from '#libs/domain/local-date.ts';
import { type Alarm, type FlaggedDays, openingsOf } from './openings.ts';

/** Something that really happened to one student in one course, or a lasting way of studying. */
export interface Truth {
  readonly story: string;
  readonly from: LocalDay;
  /** Null: it continues. */
  readonly to: LocalDay | null;
}

/** An alarm that opens this many days after the end may still belong to what happened. */
const AFTERMATH_DAYS = 14;

/** How many days after the beginning of what happened the alarm first opened; null: it did not. */
export function noticed(alarm: Alarm, days: FlaggedDays, { from, to }: Truth): number | null {
  const until = to === null ? Number.POSITIVE_INFINITY : to + AFTERMATH_DAYS;
  const first = openingsOf(alarm, days).find((day) => day >= from && day <= until);
  return first === undefined ? null : first - from;
}

/** The median, of an even number the mean of the middle two; null if empty. */
export function medianOf(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0);
  return sorted.length === 0 ? null : middle / 2;
}

/** What happened to the keys of one story, and, in the same days, to those who are always there. */
export class StoryTally {
  keys = 0;
  readonly delays: number[] = [];
  readonly #alarm: Alarm;
  #compared = 0;
  #byChance = 0;

  constructor(alarm: Alarm) {
    this.#alarm = alarm;
  }

  add(days: FlaggedDays, truth: Truth, steady: readonly FlaggedDays[] = []): void {
    this.keys += 1;
    this.#compared += steady.length;
    this.#byChance += steady.filter((other) => noticed(this.#alarm, other, truth) !== null).length;
    const delay = noticed(this.#alarm, days, truth);
    if (delay !== null) this.delays.push(delay);
  }

  /** Percent of the keys. */
  get recall(): number | null {
    return this.keys === 0 ? null : (100 * this.delays.length) / this.keys;
  }

  /** Percent of steady students for whom the same would have been reported, which puts recall in proportion. */
  get byChance(): number | null {
    return this.#compared === 0 ? null : (100 * this.#byChance) / this.#compared;
  }
}

/** Openings for students to whom nothing happens. */
export class FalseAlarmTally {
  weeks = 0;
  #openings = 0;
  readonly #alarm: Alarm;

  constructor(alarm: Alarm) {
    this.#alarm = alarm;
  }

  add(days: FlaggedDays): void {
    this.weeks += days.flags.length / 7;
    this.#openings += openingsOf(this.#alarm, days).length;
  }

  /** Openings per 100 weeks of a student in a course. */
  get rate(): number | null {
    return this.weeks === 0 ? null : (100 * this.#openings) / this.weeks;
  }
}
