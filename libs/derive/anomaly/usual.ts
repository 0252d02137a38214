import { LEAST_POINTS, type Outlier, othersOfSmall, outlierAmong } from './modified-z.ts';
import { insertSorted, medianTimes2, removeSorted } from './sorted.ts';

/**
 * engagement_drop and engagement_spike: a day's engagement_ma7 compared with what was usual, the stored engagement_ma7 of
 * the 28 days that end seven days before it, so that the two share no daily score.
 */
const FIRST_BACK = 34;
const LAST_BACK = 7;
export const LEAST_DAYS = 14;
export const LEAST_ACTIVE_DAYS = 4;

/** Integers per point: ma7 and scores are in hundredths. */
export const SCORE_UNIT = 100n;

/** A key's series, from its first day on, in hundredths; a day without a value is null or beyond the end. */
export interface DailyScores {
  readonly score: readonly (number | null)[];
  readonly ma7: readonly (number | null)[];
}

/** The values that a day is compared with. */
interface Usual {
  /** engagement_ma7 of the days that have one, ascending. */
  readonly sorted: number[];
  /** How many of these days have a daily score above 0. */
  activeDays: number;
}

const isSupported = ({ sorted, activeDays }: Usual): boolean =>
  sorted.length >= LEAST_DAYS && activeDays >= LEAST_ACTIVE_DAYS;

const isActive = ({ score }: DailyScores, index: number): boolean => (score[index] ?? 0) > 0;

/** The indexes of the days that a day is compared with, whether they have a value or not. */
export const usualIndexes = (index: number): number[] =>
  Array.from({ length: FIRST_BACK - LAST_BACK + 1 }, (_, n) => index - FIRST_BACK + n).filter((at) => at >= 0);

function usualAt(series: DailyScores, index: number): Usual {
  const usual: Usual = { sorted: [], activeDays: 0 };
  for (const at of usualIndexes(index)) enter(usual, series, at);
  return usual;
}

function enter(usual: Usual, series: DailyScores, index: number): void {
  const value = series.ma7[index] ?? null;
  if (value === null) return;
  insertSorted(usual.sorted, value);
  if (isActive(series, index)) usual.activeDays += 1;
}

function leave(usual: Usual, series: DailyScores, index: number): void {
  const value = series.ma7[index] ?? null;
  if (value === null) return;
  removeSorted(usual.sorted, value);
  if (isActive(series, index)) usual.activeDays -= 1;
}

function outlierIn(usual: Usual, value: number | null, threshold: bigint): Outlier | null {
  if (value === null || !isSupported(usual)) return null;
  // A shortcut for most days, which are not 10 points from the median.
  if (Math.abs(2 * value - medianTimes2(usual.sorted)) < 2 * LEAST_POINTS * Number(SCORE_UNIT)) return null;
  return outlierAmong(othersOfSmall(usual.sorted), BigInt(value), SCORE_UNIT, threshold);
}

/** Whether a day has enough days to compare with. @param index of the day, from the first of the series */
export const hasUsual = (series: DailyScores, index: number): boolean => isSupported(usualAt(series, index));

/** The day's value if it lies apart. @param index of the day, from the first of the series */
export const unusualAt = (series: DailyScores, index: number, threshold: bigint): Outlier | null =>
  outlierIn(usualAt(series, index), series.ma7[index] ?? null, threshold);

/** The side of each of the first `days` days on which its value lies apart, or null. */
export function unusualDays(series: DailyScores, days: number, threshold: bigint): (Outlier['side'] | null)[] {
  const usual: Usual = { sorted: [], activeDays: 0 };
  const sides: (Outlier['side'] | null)[] = [];
  for (let index = 0; index < days; index += 1) {
    // Days before the first have no value.
    leave(usual, series, index - FIRST_BACK - 1);
    enter(usual, series, index - LAST_BACK);
    sides.push(outlierIn(usual, series.ma7[index] ?? null, threshold)?.side ?? null);
  }
  return sides;
}
