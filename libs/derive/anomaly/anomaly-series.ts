import { ATTENTION_FLAGS, STORED_FLAGS } from '#libs/domain/flags.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { type AttentionDays, attentionDays, isOpen } from '../attention/attention.ts';
import type { AttentionKey } from '../attention/key.ts';
import type { ClassMember } from '../attention/member.ts';
import type { ClassNumbers } from '../attention/numbers.ts';
import { type AnomalySettings, FLAG_NAMES, type FlagName } from './flags.ts';
import { type GradedFrom, gradesApart, lastNewsDay } from './graded.ts';
import { type ActivityDays, idleRanges } from './own-gap.ts';
import { type DailyScores, unusualDays } from './usual.ts';

/** Everything that flags follow from: a key's stored days, its graded items, and a few dates. */
export interface AnomalyKey extends DailyScores, Omit<ClassMember, 'activeDays'> {
  /** The key's first day, on which `score` and `ma7` begin; null if it has none. */
  readonly firstDay: LocalDay | null;
  /** The course's as-of: the last day. */
  readonly asOf: LocalDay;
  /** Ascending, each once; none after as of. */
  readonly activeDays: readonly LocalDay[];
  /** The day of the earliest enrolment dated on or before today; it may lie after as of. */
  readonly enrolledDay: LocalDay | null;
  /** The day of the course's first event, of any student. */
  readonly courseFirstEvent: LocalDay | null;
  /** Ascending. */
  readonly graded: readonly GradedFrom[];
  /** The course's class numbers; null: it has none. */
  readonly numbers: ClassNumbers | null;
}

/** The open flags of each day from the key's first one to as of. */
export interface AnomalySeries {
  readonly firstDay: LocalDay;
  /** The flags of each day as stored, see {@link flagsOfBits}. */
  readonly bits: readonly number[];
  /** The result of the comparison with the class, and what it follows from. */
  readonly attention: AttentionDays;
  readonly attentionKey: AttentionKey;
}

/** A list of flags is stored as one number: the first of STORED_FLAGS is 1, the next 2, 4, … */
const bitOf = (name: FlagName): number => 1 << STORED_FLAGS.indexOf(name);

const LISTS = new Map<number, readonly FlagName[]>();

export const hasFlag = (bits: number | undefined, name: FlagName): boolean => ((bits ?? 0) & bitOf(name)) !== 0;

/** The flags that the bits stand for, in alphabetical order. */
export function flagsOfBits(bits: number): readonly FlagName[] {
  const known = LISTS.get(bits) ?? FLAG_NAMES.filter((name) => hasFlag(bits, name)).sort();
  LISTS.set(bits, known);
  return known;
}

/**
 * The flags as of each day, by what is known today: each day is judged by what is dated on or before it. Null if the key
 * has no days. Windows slide, so a day costs the same however many lie before it; only where a grade changes, all of them are compared.
 */
export function anomalySeries(key: AnomalyKey, settings: AnomalySettings): AnomalySeries | null {
  const { firstDay, asOf } = key;
  if (firstDay === null || firstDay > asOf) return null;
  const open = new Uint16Array(asOf - firstDay + 1);
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
  const attentionKey = attentionKeyOf(key, firstDay);
  const attention = attentionDays(attentionKey, settings);
  openAttention(attention, open);
  return { firstDay, bits: [...open], attention, attentionKey };
}

/** @param firstDay the key's first day */
export const attentionKeyOf = (
  { asOf, activeDays, handedIn, grades, numbers }: AnomalyKey,
  firstDay: LocalDay,
): AttentionKey => ({
  firstDay,
  asOf,
  activeDays,
  handedIn: new Map(handedIn.map(({ source, item, day }) => [`${source} ${item}`, day])),
  grades,
  numbers,
});

function openEngagement(key: AnomalyKey, { outlierThreshold }: AnomalySettings, open: Uint16Array): void {
  unusualDays(key, open.length, outlierThreshold).forEach((side, index) => {
    if (side !== null) open[index] = bitOf(`engagement_${side}`);
  });
}

function openAttention(days: AttentionDays, open: Uint16Array): void {
  for (const name of ATTENTION_FLAGS) {
    const bit = bitOf(name);
    for (let index = 0; index < open.length; index += 1)
      if (isOpen(days, name, index)) open[index] = (open[index] ?? 0) | bit;
  }
}

/** What inactivity is judged by, as of a day. */
export function activityBy(
  { activeDays, enrolledDay, courseFirstEvent, asOf }: AnomalyKey,
  day: LocalDay,
): ActivityDays {
  // As of itself counts an enrolment dated up to today; earlier days count only what was dated by then.
  const isEnrolled = enrolledDay !== null && (enrolledDay <= day || day === asOf);
  const isBegun = courseFirstEvent !== null && courseFirstEvent <= day;
  return {
    activeDays: activeDays.filter((active) => active <= day),
    countedFrom: isEnrolled && isBegun ? Math.max(enrolledDay, courseFirstEvent) : null,
  };
}
