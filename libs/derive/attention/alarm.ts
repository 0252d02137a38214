import type { AlarmSettings } from '../settings.ts';

/** An alarm that opens again within this many days of closing is the same one: the teacher knows of it. */
const SAME_ALARM_DAYS = 14;

/**
 * The alarm by day: it opens with enough points, and stays open until they fall below a lower number.
 * @param points by day, from a day before which it is closed
 * @returns for each day on which it is open, the index of the day since when; else null
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
