import type { LocalDay } from '#libs/domain/local-date.ts';
import { controlAt, scoredDays } from './control.ts';
import { isShifted } from './cusum.ts';
import { isSustainedLow } from './ewma.ts';
import { type AnomalySettings, FLAG_NAMES, type FlagName } from './flags.ts';
import { type GradedFrom, gradesApart, lastNewsDay } from './graded.ts';
import { type ActivityDays, idleRanges } from './own-gap.ts';
import { type DailyScores, unusualDays } from './usual.ts';

/** All that flags follow from: what is stored of a key's days, its graded items, and a few days of its own. */
export interface AnomalyKey extends DailyScores {
  /** The key's first day, on which `score` and `ma7` begin; null where it has none. */
  readonly firstDay: LocalDay | null;
  /** The course's as-of: the last day. */
  readonly asOf: LocalDay;
  /** Ascending, each once; none after as of. */
  readonly activeDays: readonly LocalDay[];
  /** Of the earliest enrolment dated on or before today, which may lie after as of. */
  readonly enrolledDay: LocalDay | null;
  /** Of any student. */
  readonly courseFirstEvent: LocalDay | null;
  /** Ascending. */
  readonly graded: readonly GradedFrom[];
}

/** The open flags of each day from the key's first one to as of. */
export interface AnomalySeries {
  readonly firstDay: LocalDay;
  /** Names in order. Lists that are equal are one list. */
  readonly flags: readonly (readonly FlagName[])[];
}

/** A list of flags as one number: of the first name in order 1, of the next 2, 4, … */
export const flagBits = (names: readonly FlagName[]): number => names.reduce((bits, name) => bits | bitOf(name), 0);

const bitOf = (name: FlagName): number => 1 << FLAG_NAMES.indexOf(name);

/** Every set of flags as a list of names, by its bits. */
const LISTS: readonly (readonly FlagName[])[] = Array.from({ length: 1 << FLAG_NAMES.length }, (_, bits) =>
  FLAG_NAMES.filter((name) => (bits & bitOf(name)) !== 0),
);

/**
 * The flags as of each day, by what is known today: each day is judged by what is dated on or before it. Null where the
 * key has no days. Windows slide, so that a day costs the same however many lie before it.
 */
export function anomalySeries(key: AnomalyKey, settings: AnomalySettings): AnomalySeries | null {
  const { firstDay, asOf } = key;
  if (firstDay === null || firstDay > asOf) return null;
  const open = new Uint8Array(asOf - firstDay + 1);
  const openFor = (name: FlagName, from: LocalDay, to: LocalDay): void => {
    const end = Math.min(to, asOf) - firstDay;
    for (let index = Math.max(from - firstDay, 0); index <= end; index += 1)
      open[index] = (open[index] ?? 0) | bitOf(name);
  };
  openEngagement(key, settings, open);
  for (const { from, to } of idleRanges(activityBy(key, asOf), asOf)) openFor('inactivity', from, to);
  key.graded.forEach(({ from, items }, index) => {
    const apart = gradesApart(items, settings.outlierThreshold);
    if (apart === null) return;
    const end = (key.graded[index + 1]?.from ?? asOf + 1) - 1;
    const openWhileNews = (name: FlagName, day: LocalDay): void => openFor(name, from, Math.min(end, lastNewsDay(day)));
    if (apart.outlier !== null) openWhileNews(`grade_${apart.outlier.side}`, apart.last.day);
    for (const { item } of apart.beyond) openWhileNews('grade_outlier', item.day);
  });
  return { firstDay, flags: Array.from(open, (bits) => LISTS[bits] ?? []) };
}

function openEngagement(key: AnomalyKey, { outlierThreshold }: AnomalySettings, open: Uint8Array): void {
  const scored = scoredDays(key.score);
  unusualDays(key, open.length, outlierThreshold).forEach((side, index) => {
    let bits = side === null ? 0 : bitOf(`engagement_${side}`);
    const control = controlAt(scored, index);
    if (isShifted(control)) bits |= bitOf('engagement_shift');
    if (isSustainedLow(control)) bits |= bitOf('sustained_low');
    open[index] = bits;
  });
}

/** The days that inactivity is judged by, as of a day. */
export function activityBy(
  { activeDays, enrolledDay, courseFirstEvent, asOf }: AnomalyKey,
  day: LocalDay,
): ActivityDays {
  // The features speak for as of by an enrolment up to today; for a day before it, by what was dated by then.
  const isEnrolled = enrolledDay !== null && (enrolledDay <= day || day === asOf);
  const isBegun = courseFirstEvent !== null && courseFirstEvent <= day;
  return {
    activeDays: activeDays.filter((active) => active <= day),
    countedFrom: isEnrolled && isBegun ? Math.max(enrolledDay, courseFirstEvent) : null,
  };
}
