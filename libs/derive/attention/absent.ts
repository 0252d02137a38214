import type { LocalDay } from '#libs/domain/local-date.ts';
import type { AttentionKey, ReasonDays } from './key.ts';

/** The number of the student's days, ending with the day itself, that are compared with what is usual in the class. */
const OWN_DAYS = 21;
/** After this many days without an active one, the student is gone. */
const GONE_DAYS = 28;
/** A student who joined more recently is given time. */
const DAYS_TO_SETTLE = 14;
/** If the class is active less often, staying away says nothing. */
const LEAST_USUAL = 2;

/** What absent is judged by on one day. */
export interface Absence {
  readonly active: number;
  readonly usual: number | null;
}

export function absences({ firstDay, asOf, activeDays, numbers }: AttentionKey): ReasonDays<Absence> {
  let [seen, left, gone] = [0, 0, 0];
  const isUntil = (active: LocalDay | undefined, last: LocalDay): boolean => active !== undefined && active <= last;
  const usualOn = (day: LocalDay): number | null => numbers?.usual[day - numbers.firstDay] ?? null;
  const actives: number[] = [];
  const points: (number | null)[] = [];
  for (let day = firstDay; day <= asOf; day += 1) {
    while (isUntil(activeDays[seen], day)) seen += 1;
    while (isUntil(activeDays[left], day - OWN_DAYS)) left += 1;
    while (isUntil(activeDays[gone], day - GONE_DAYS)) gone += 1;
    const usual = usualOn(day);
    const active = seen - left;
    const isKnown = usual !== null && usual >= LEAST_USUAL && day - firstDay >= DAYS_TO_SETTLE;
    actives.push(active);
    points.push(isKnown ? pointsOf(active, usual, seen === gone) : null);
  }
  return { points, on: (index) => ({ active: actives[index] ?? 0, usual: usualOn(firstDay + index) }) };
}

function pointsOf(active: number, usual: number, isGone: boolean): number {
  if (isGone) return 3;
  if (4 * active <= usual) return 2;
  return 2 * active <= usual ? 1 : 0;
}
