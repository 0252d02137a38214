import type { LocalDay } from '#libs/domain/local-date.ts';
import { roundRatio } from '#libs/domain/rational.ts';
import { type FlagFinding, severityBy } from './flags.ts';
import { insertSorted, medianTimes2 } from './sorted.ts';

/**
 * inactivity: longer without an active day than the student's own habit explains, but not so long that the student has
 * left. Limits are doubled, since the median of an even number of differences can end in a half.
 */
const LEAST_ACTIVE_DAYS = 3;
const OWN_GAPS = 3;
export const LEAST_LIMIT = 7;
export const COMMON_LIMIT = 14;
export const LONGEST_IDLE = 60;

/** What inactivity is judged by. */
export interface ActivityDays {
  /** Ascending, each once. */
  readonly activeDays: readonly LocalDay[];
  /** The later of the enrolment's day and that of the course's first event; null if either is unknown. */
  readonly countedFrom: LocalDay | null;
}

/** A range of days, both ends inclusive. */
export interface IdleRange {
  readonly from: LocalDay;
  readonly to: LocalDay;
}

/** The limit for those with a habit of their own. @param differences between consecutive active days, ascending */
const ownLimitTimes2 = (differences: readonly number[]): number =>
  Math.max(2 * LEAST_LIMIT, OWN_GAPS * medianTimes2(differences));

/** The days on which the flag is open, up to the last. */
export function idleRanges({ activeDays, countedFrom }: ActivityDays, last: LocalDay): IdleRange[] {
  const ranges: IdleRange[] = [];
  const add = (start: LocalDay, limitTimes2: number, next: LocalDay | undefined): void => {
    // The first whole day above the limit.
    const range = {
      from: start + Math.floor(limitTimes2 / 2) + 1,
      to: Math.min(start + LONGEST_IDLE, next === undefined ? last : Math.min(next - 1, last)),
    };
    if (range.from <= range.to) ranges.push(range);
  };
  if (countedFrom !== null) add(countedFrom, 2 * COMMON_LIMIT, activeDays[0]);
  const differences: number[] = [];
  activeDays.forEach((day, index) => {
    const before = activeDays[index - 1];
    if (before !== undefined) insertSorted(differences, day - before);
    const limit = index + 1 >= LEAST_ACTIVE_DAYS ? ownLimitTimes2(differences) : 2 * COMMON_LIMIT;
    add(day, limit, activeDays[index + 1]);
  });
  return ranges;
}

const DAY_DECIMALS = 2;

/** The gap that lasts until a day, if the flag is open on that day. @param activeDays none after the day */
export function idleFinding({ activeDays, countedFrom }: ActivityDays, day: LocalDay): FlagFinding | null {
  const start = activeDays.at(-1) ?? countedFrom;
  if (start === null) return null;
  const differences = activeDays.slice(1).map((active, index) => active - (activeDays[index] ?? active));
  differences.sort((a, b) => a - b);
  const hasHabit = activeDays.length >= LEAST_ACTIVE_DAYS;
  const limitTimes2 = hasHabit ? ownLimitTimes2(differences) : 2 * COMMON_LIMIT;
  const idle = day - start;
  if (2 * idle <= limitTimes2 || idle > LONGEST_IDLE) return null;
  const halved = (times2: number): number => Number(roundRatio(BigInt(times2), 2n, DAY_DECIMALS));
  return {
    value: idle,
    baseline: hasHabit ? halved(medianTimes2(differences)) : null,
    threshold: halved(limitTimes2),
    method: 'own_gap',
    severity: severityBy((halves) => BigInt(4 * idle) >= halves * BigInt(limitTimes2)),
  };
}
