import { compareBytes, compareFacts } from '#libs/aggregate/grades.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';
import { type Grade, gradesFrom, overCommonMax } from '../performance.ts';
import type { DerivingSettings } from '../settings.ts';
import { type Others, type Outlier, othersOf, outlierAmong } from './modified-z.ts';
import { sortBig } from './sorted.ts';
import { type Beyond, beyondFences } from './tukey.ts';

/** A graded item: its grade is points / max. */
export type GradedItem = Pick<Grade, 'item' | 'points' | 'max' | 'day'>;

/** The graded items that hold from a day on, in order of (graded_at, item). */
export interface GradedFrom {
  readonly from: LocalDay;
  readonly items: readonly GradedItem[];
}

/** From this day on an item has this grade, or none; in stored form, with numbers that may exceed 2^53 as text. */
export interface GradeChange {
  readonly from: LocalDay;
  readonly item: string;
  readonly grade: {
    readonly points: string;
    readonly max: string;
    readonly day: LocalDay;
    readonly at: Instant;
  } | null;
}

/**
 * The changes of each item's grade, in order of (day, item): one for each grade given or taken back, however often rows
 * repeat it.
 */
export function gradeChanges(
  rows: readonly GradeObservation[],
  asOf: LocalDay,
  settings: DerivingSettings,
): GradeChange[] {
  const known = new Map<string, Grade | undefined>();
  return gradesFrom(rows, asOf, settings).flatMap(([from, grades]) => {
    const changed = [...grades].filter(([item, grade]) => !isSameGrade(known.get(item), grade));
    for (const [item, grade] of changed) known.set(item, grade);
    return changed
      .map(([item, grade]): GradeChange => ({ from, item, grade: grade === undefined ? null : written(grade) }))
      .sort((a, b) => compareBytes(a.item, b.item));
  });
}

const written = ({ points, max, day, gradedAt }: Grade): GradeChange['grade'] => ({
  points: String(points),
  max: String(max),
  day,
  at: gradedAt,
});

function isSameGrade(a: Grade | undefined, b: Grade | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.points === b.points && a.max === b.max && a.gradedAt === b.gradedAt;
}

/** The graded items as of each day on which any changed, ascending. */
export function gradedFrom(changes: readonly GradeChange[]): GradedFrom[] {
  const items = new Map<string, GradedItem & { readonly gradedAt: Instant }>();
  const days = [...groupBy(changes, (change) => change.from)];
  return days.map(([from, ofDay]) => {
    for (const { item, grade } of ofDay) {
      // Set last, so that the items stay nearly in order and sorting them costs little.
      items.delete(item);
      if (grade === null) continue;
      const { points, max, day, at } = grade;
      items.set(item, { item, points: BigInt(points), max: BigInt(max), day, gradedAt: at });
    }
    return { from, items: [...items.values()].sort(compareFacts) };
  });
}

function groupBy<T, K>(values: readonly T[], keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return groups;
}

/** The graded items as of a day. */
export const gradedOn = (graded: readonly GradedFrom[], day: LocalDay): readonly GradedItem[] =>
  graded.findLast(({ from }) => from <= day)?.items ?? [];

export const LEAST_ITEMS = 5;
/** The number of days for which a grade is news, including the day it was given. */
const NEWS_DAYS = 30;

export const hasGrades = (items: readonly GradedItem[]): boolean => items.length >= LEAST_ITEMS;

/** The last day on which an item graded on `day` is news. */
export const lastNewsDay = (day: LocalDay): LocalDay => day + NEWS_DAYS - 1;

export const isNews = (item: GradedItem, day: LocalDay): boolean => day <= lastNewsDay(item.day);

/** The graded items that lie apart, whether they are news or not. Grades are percent times `unit`. */
export interface GradesApart {
  readonly unit: bigint;
  readonly last: GradedItem;
  /** The items before the last one. */
  readonly others: Others;
  /** The last item, if it lies apart from all before it. */
  readonly outlier: Outlier | null;
  /** The items beyond the fences, which follow from all items. */
  readonly beyond: readonly Beyond<GradedItem>[];
}

/** Null if there are too few items. */
export function gradesApart(items: readonly GradedItem[], threshold: bigint): GradesApart | null {
  const last = items.at(-1);
  if (last === undefined || !hasGrades(items)) return null;
  const { points, max: unit } = overCommonMax(items);
  const percents = points.map((point) => 100n * point);
  const others = othersOf(sortBig(percents.slice(0, -1)));
  return {
    unit,
    last,
    others,
    outlier: outlierAmong(others, percents.at(-1) ?? 0n, unit, threshold),
    beyond: beyondFences(items, percents, unit),
  };
}
