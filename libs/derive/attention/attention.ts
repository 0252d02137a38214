import { ATTENTION_REASONS, type AttentionFlagName, type AttentionReason, type Severity } from '#libs/domain/flags.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import { roundRatio } from '#libs/domain/rational.ts';
import type { AttentionFlag, ReasonFlag } from '#libs/features/units.ts';
import type { AlarmSettings } from '../settings.ts';
import { type Absence, absences } from './absent.ts';
import { alarmDays } from './alarm.ts';
import { type AttentionKey, isJudged, type ReasonDays } from './key.ts';
import { LOW, type Marks, marks, PER_POINT, VERY_LOW } from './low-marks.ts';
import { missingNames, type OwedWork, owedWork, sourceOn } from './missing-work.ts';
import type { ClassNumbers } from './numbers.ts';

/** A key's attention by day, from its first one to as of. */
export interface AttentionDays {
  readonly absent: ReasonDays<Absence>;
  readonly missing_work: ReasonDays<OwedWork>;
  readonly low_marks: ReasonDays<Marks>;
  /** The sum of the points of all reasons. */
  readonly points: readonly number[];
  /** The index of the day since when the alarm is open; null: it is not. */
  readonly openSince: readonly (number | null)[];
}

export function attentionDays(key: AttentionKey, settings: AlarmSettings): AttentionDays {
  const reasons = {
    absent: absences(key),
    missing_work: owedWork(key),
    low_marks: marks(key),
  } satisfies Readonly<Record<AttentionReason, ReasonDays<unknown>>>;
  const points = reasons.absent.points.map((_, index) =>
    ATTENTION_REASONS.reduce((sum, name) => sum + (reasons[name].points[index] ?? 0), 0),
  );
  return { ...reasons, points, openSince: alarmDays(points, settings) };
}

const pointsOf = (days: AttentionDays, name: AttentionReason, index: number): number => days[name].points[index] ?? 0;

export const isOpen = (days: AttentionDays, name: AttentionFlagName, index: number): boolean =>
  name === 'attention' ? (days.openSince[index] ?? null) !== null : pointsOf(days, name, index) > 0;

/** False if no reason is known of the day: nothing could open the alarm. */
export const isAnyReasonKnown = (days: AttentionDays, index: number): boolean =>
  ATTENTION_REASONS.some((name) => (days[name].points[index] ?? null) !== null);

/** The four columns of one day. */
export interface AttentionFlags {
  readonly attention: AttentionFlag | null;
  readonly absent: ReasonFlag | null;
  readonly missing_work: ReasonFlag | null;
  readonly low_marks: ReasonFlag | null;
}

/** @param index of the day, from the key's first one */
export function attentionFlags(
  key: AttentionKey,
  days: AttentionDays,
  index: number,
  { openPoints }: AlarmSettings,
): AttentionFlags {
  const reason = (name: AttentionReason, show: (points: number) => Shown): ReasonFlag | null => {
    const points = pointsOf(days, name, index);
    if (points === 0) return null;
    return { since: formatDay(key.firstDay + runStart(days, name, index)), ...show(points) };
  };
  return {
    attention: alarm(key, days, index, openPoints),
    absent: reason('absent', (points) => showAbsence(days.absent.on(index), points)),
    missing_work: reason('missing_work', (points) =>
      showWork(key, key.firstDay + index, days.missing_work.on(index), points),
    ),
    low_marks: reason('low_marks', (points) => showMarks(days.low_marks.on(index), points)),
  };
}

/** The index of the first day of the unbroken run on which the reason has points. */
function runStart(days: AttentionDays, name: AttentionReason, index: number): number {
  let first = index;
  while (first > 0 && isOpen(days, name, first - 1)) first -= 1;
  return first;
}

function alarm(key: AttentionKey, days: AttentionDays, index: number, openPoints: number): AttentionFlag | null {
  const since = days.openSince[index] ?? null;
  if (since === null) return null;
  const value = days.points[index] ?? 0;
  const reasons = ATTENTION_REASONS.flatMap((reason) => {
    const points = pointsOf(days, reason, index);
    return points > 0 ? [{ reason, points }] : [];
  });
  return {
    since: formatDay(key.firstDay + since),
    value,
    baseline: 0,
    threshold: openPoints,
    method: 'points',
    severity: value >= 5 ? 'high' : value === 4 ? 'medium' : 'low',
    // Sorting is stable, so equal ones keep their order.
    reasons: reasons.sort((a, b) => b.points - a.points),
  };
}

type Shown = Omit<ReasonFlag, 'since'>;

const SEVERITY_OF_POINTS: readonly Severity[] = ['low', 'low', 'medium', 'high'];
const severityOf = (points: number): Severity => SEVERITY_OF_POINTS[points] ?? 'high';

function showAbsence({ active, usual }: Absence, points: number): Shown {
  return {
    value: active,
    baseline: usual,
    threshold: (usual ?? 0) / 2,
    method: 'class_days',
    severity: severityOf(points),
  };
}

function showWork(key: AttentionKey, day: number, work: OwedWork, points: number): Shown {
  const source = sourceOn(key.numbers, day);
  return {
    value: work.recentMissing + work.earlierMissing,
    baseline: work.recent + work.earlier,
    threshold: 1,
    method: 'class_work',
    severity: severityOf(points),
    ...(source === null ? {} : { source }),
    items: missingNames(key, day),
  };
}

function showMarks({ difference, graded }: Marks, points: number): Shown {
  return {
    value: Number(roundRatio(BigInt(difference), BigInt(PER_POINT * graded), 2)),
    baseline: 0,
    threshold: points === 2 ? VERY_LOW : LOW,
    method: 'class_grades',
    severity: severityOf(points),
    graded,
  };
}

/**
 * What is unknown on a day: too few in the class, too few days, or nothing to compare.
 * @param days null: the key has none, and no reason is known
 * @param index of the day, from the key's first one
 */
export function unknownAttention(
  numbers: ClassNumbers | null,
  day: LocalDay,
  days: AttentionDays | null,
  index: number,
): AttentionFlagName[] {
  const reasons = ATTENTION_REASONS.filter((name) => (days?.[name].points[index] ?? null) === null);
  return isJudged(numbers, day) ? reasons : ['attention', ...reasons];
}
