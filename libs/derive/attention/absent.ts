import type { LocalDay } from '#libs/domain/local-date.ts';
import type { AttentionKey, ReasonDays } from './key.ts';

/** The student's days, that day among them, that are held against what is usual in the class. */
const OWN_DAYS = 21;
/** Without an active day in so many, the student is gone. */
const GONE_DAYS = 28;
/** Who came later is given time. */
const DAYS_TO_SETTLE = 14;
/** A class that comes more rarely says nothing of who stays away. */
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
