import type { LocalDay } from '#libs/domain/local-date.ts';
import { roundToScaled } from '#libs/domain/rational.ts';
import type { WorkSource } from '#libs/domain/work-source.ts';
import type { GradeChange } from '../anomaly/graded.ts';

/** A work item that was handed in, and its first day. */
export interface HandedIn {
  readonly source: WorkSource;
  readonly item: string;
  readonly day: LocalDay;
}

/** From this day on an item has this grade, in hundredths of a percent, or none. */
export interface GradeStep {
  readonly from: LocalDay;
  readonly item: string;
  readonly grade: number | null;
}

/** Everything about one key that the class and the reasons are computed from. */
export interface ClassMember {
  /** Ascending, each once. */
  readonly activeDays: readonly LocalDay[];
  /** Each item of each source once. */
  readonly handedIn: readonly HandedIn[];
  /** In order of days. */
  readonly grades: readonly GradeStep[];
}

/** Hundredths of a percent, rounded half away from zero. */
const HUNDREDTHS = 10_000n;

/**
 * A member of the class, from a key's stored days. An item counts as handed in, as a grade, on the day it is first graded.
 * @param handedIn submissions and completions
 * @param changes of grades, in order of days
 */
export function memberOf(
  activeDays: readonly LocalDay[],
  handedIn: readonly HandedIn[],
  changes: readonly GradeChange[],
): ClassMember {
  const grades = changes.map(
    ({ from, item, grade }): GradeStep => ({ from, item, grade: grade && hundredthsOf(grade) }),
  );
  const first = new Map<string, LocalDay>();
  for (const { from, item, grade } of grades) if (grade !== null && !first.has(item)) first.set(item, from);
  const graded = [...first].map(([item, day]): HandedIn => ({ source: 'grade', item, day }));
  return { activeDays, handedIn: graded.length === 0 ? handedIn : [...handedIn, ...graded], grades };
}

const hundredthsOf = ({ points, max }: NonNullable<GradeChange['grade']>): number =>
  Number(roundToScaled(HUNDREDTHS * BigInt(points), BigInt(max), 0));
