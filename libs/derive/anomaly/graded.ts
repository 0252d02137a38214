import { compareFacts, type GradeFact, gradeFacts } from '#libs/aggregate/grades.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { type Grade, gradesOf, overCommonMax } from '../performance.ts';
import type { DerivingSettings } from '../settings.ts';
import { type Outlier, othersOf, outlierAmong } from './modified-z.ts';
import { sortBig } from './sorted.ts';
import { type Beyond, beyondFences } from './tukey.ts';

/** A graded item: its grade is points / max. */
export type GradedItem = Pick<Grade, 'item' | 'points' | 'max' | 'day'>;

/** The graded items as they hold from a day on, in order of (graded_at, item). */
export interface GradedFrom {
  readonly from: LocalDay;
  readonly items: readonly GradedItem[];
}

/** The graded items as of every day up to `asOf`, ascending: they change only on days that rows are dated on. */
export function gradedByDay(
  rows: readonly GradeObservation[],
  asOf: LocalDay,
  settings: DerivingSettings,
): GradedFrom[] {
  const byItem = groupBy(rows, (row) => row.item);
  const byDay = groupBy(rows, (row) => row.day);
  const days = [...byDay.keys()].filter((day) => day <= asOf).sort((a, b) => a - b);
  const facts = new Map<string, GradeFact>();
  return days.map((from) => {
    // An item's fact follows from its own rows, and changes with them.
    for (const { item } of byDay.get(from) ?? [])
      for (const fact of gradeFacts(byItem.get(item) ?? [], from)) facts.set(item, fact);
    return { from, items: gradesOf([...facts.values()].sort(compareFacts), settings) };
  });
}

function groupBy<K>(
  rows: readonly GradeObservation[],
  keyOf: (row: GradeObservation) => K,
): Map<K, GradeObservation[]> {
  const groups = new Map<K, GradeObservation[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}

const LEAST_ITEMS = 5;
/** A grade is news for so many days, that on which it was given among them. */
const NEWS_DAYS = 30;

export const hasGrades = (items: readonly GradedItem[]): boolean => items.length >= LEAST_ITEMS;

/** The last day on which an item graded on `day` is news. */
export const lastNewsDay = (day: LocalDay): LocalDay => day + NEWS_DAYS - 1;

export const isNews = (item: GradedItem, day: LocalDay): boolean => day <= lastNewsDay(item.day);

/** What lies apart among graded items, whether it is news or not. Grades in percent of `unit`. */
export interface GradesApart {
  readonly unit: bigint;
  readonly last: GradedItem;
  /** The last item, if it lies apart from all before it. */
  readonly outlier: Outlier | null;
  /** The items beyond the fences of all. */
  readonly beyond: readonly Beyond<GradedItem>[];
}

/** Null where there are too few. */
export function gradesApart(items: readonly GradedItem[], threshold: bigint): GradesApart | null {
  const last = items.at(-1);
  if (last === undefined || !hasGrades(items)) return null;
  const { points, max: unit } = overCommonMax(items);
  const percents = points.map((point) => 100n * point);
  return {
    unit,
    last,
    outlier: outlierAmong(othersOf(sortBig(percents.slice(0, -1))), percents.at(-1) ?? 0n, unit, threshold),
    beyond: beyondFences(items, percents, unit),
  };
}
