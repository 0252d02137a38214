import type { LocalDay } from '#libs/domain/local-date.ts';

/** The active days of a series, ascending, each once. @param active 1 on active days, from `firstDay` on */
export function activeDaysOf(active: readonly (number | null)[], firstDay: LocalDay): LocalDay[] {
  const days: LocalDay[] = [];
  active.forEach((value, index) => {
    if (value === 1) days.push(firstDay + index);
  });
  return days;
}

/** Length of the run of active days that ends on `asOf` or, while that day is not active yet, on the day before; else 0. */
export function currentStreak(activeDays: readonly LocalDay[], asOf: LocalDay): number {
  const active = new Set(activeDays);
  let day = active.has(asOf) ? asOf : asOf - 1;
  let length = 0;
  for (; active.has(day); day -= 1) length += 1;
  return length;
}

/** @param activeDays ascending, each once */
export function longestStreak(activeDays: readonly LocalDay[]): number {
  let longest = 0;
  let length = 0;
  activeDays.forEach((day, index) => {
    length = activeDays[index - 1] === day - 1 ? length + 1 : 1;
    longest = Math.max(longest, length);
  });
  return longest;
}

/** Most inactive days strictly between two active ones; null with fewer than two active days. */
export function longestGap(activeDays: readonly LocalDay[]): number | null {
  if (activeDays.length < 2) return null;
  return activeDays.reduce((longest, day, index) => Math.max(longest, day - (activeDays[index - 1] ?? day - 1) - 1), 0);
}

/** The number of active days among the `days` ending on `asOf`. @param activeDays none after `asOf` */
export const activeWithin = (activeDays: readonly LocalDay[], asOf: LocalDay, days: number): number =>
  activeDays.filter((day) => day > asOf - days).length;

const ABSENCE_DAYS = 30;

/** Inactive days among the last 30, or among those since a more recent enrolment; null if there are no such days. */
export function absenceDays(
  activeDays: readonly LocalDay[],
  enrolledDay: LocalDay | null,
  asOf: LocalDay,
): number | null {
  if (enrolledDay === null) return null;
  const span = Math.min(ABSENCE_DAYS, asOf - enrolledDay + 1);
  return span <= 0 ? null : span - activeWithin(activeDays, asOf, span);
}
