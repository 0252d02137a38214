import type { AlarmSettings } from '../settings.ts';

/** Within so many days after it closed, an alarm that opens again is the same one: the teacher knows. */
const SAME_ALARM_DAYS = 14;

/**
 * The alarm by days: it opens with enough points, and stays open until there are fewer than a lesser number.
 * @param points by days, from a day before which it is closed
 * @returns for each day on which it is open the day, counted likewise, since when; else null
 */
export function alarmDays(points: readonly number[], { openPoints, closePoints }: AlarmSettings): (number | null)[] {
  let since: number | null = null;
  let last: { readonly since: number; readonly closed: number } | null = null;
  return points.map((sum, day) => {
    if (since === null && sum >= openPoints)
      since = last !== null && day - last.closed <= SAME_ALARM_DAYS ? last.since : day;
    else if (since !== null && sum < closePoints) {
      last = { since, closed: day };
      since = null;
    }
    return since;
  });
}
