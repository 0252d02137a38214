import { GradeBook, type GradeFact, gradesByDay } from '#libs/aggregate/grades.ts';
import { AGGREGATE_ITEMS, type GradeObservation } from '#libs/clean/grades.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { commonMultiple, roundRatio } from '#libs/domain/rational.ts';
import type { Instant } from '#libs/domain/zone.ts';
import type { FeaturesOf } from '#libs/features/definition.ts';
import type { PERFORMANCE } from '#libs/features/performance.ts';
import { type DerivingSettings, SETTING_SCALE } from './settings.ts';

/** Grades in percent. */
export type PerformanceFeatures = FeaturesOf<typeof PERFORMANCE>;

/** A graded item's normalised grade, `points / max`, which is at most 1, and when it was given. */
export interface Grade {
  readonly item: string;
  readonly points: bigint;
  readonly max: bigint;
  readonly day: LocalDay;
  readonly gradedAt: Instant;
}

/**
 * The features from the grades as of a day, or null if the key has no row: no accepted grade row.
 * @param facts in order of (gradedAt, item)
 */
export function performanceFeatures(
  facts: readonly GradeFact[],
  asOf: LocalDay,
  settings: DerivingSettings,
): PerformanceFeatures | null {
  if (facts.length === 0) return null;
  const items = facts.filter((fact) => !AGGREGATE_ITEMS.has(fact.item));
  const graded = gradesOf(facts, settings);
  const passes = (grade: Grade): boolean => isPassed(grade, settings);
  const latest = graded.at(-1);
  const [first] = graded;
  const sorted = [...graded].sort(compareGrades);
  const module = facts.filter((fact) => fact.item === 'course').flatMap((fact) => toGrade(fact, settings) ?? [])[0];
  return {
    graded_items: graded.length,
    ungraded_items: items.length - graded.length,
    zero_grades: items.filter((item) => item.value === 0n).length,
    capped_grades: items.filter((item) => item.value !== null && item.value > item.max).length,
    avg_grade: meanGrade(graded),
    min_grade: percent(sorted[0]),
    max_grade: percent(sorted.at(-1)),
    latest_grade: percent(latest),
    latest_graded_at: latest?.gradedAt ?? null,
    success_rate:
      graded.length === 0 ? null : roundRatio(100n * BigInt(graded.filter(passes).length), BigInt(graded.length), 2),
    first_assessment_failed: first === undefined ? null : !passes(first),
    grade_ma7: meanGrade(graded.filter((grade) => grade.day > asOf - 7)),
    grade_ma30: meanGrade(graded.filter((grade) => grade.day > asOf - 30)),
    grade_trend: gradeTrend(graded),
    module_grade: percent(module),
    passed: module === undefined ? null : passes(module),
  };
}

/** The graded items among the facts, in their order, without those that the LMS computes from others. */
export const gradesOf = (facts: readonly GradeFact[], settings: DerivingSettings): Grade[] =>
  facts.filter((fact) => !AGGREGATE_ITEMS.has(fact.item)).flatMap((fact) => toGrade(fact, settings) ?? []);

/**
 * For each day on which rows are dated, ascending, the items of these rows with the grade that each has from then on;
 * undefined: none. The other items keep theirs.
 */
export function gradesFrom(
  rows: readonly GradeObservation[],
  asOf: LocalDay,
  settings: DerivingSettings,
): [day: LocalDay, grades: ReadonlyMap<string, Grade | undefined>][] {
  const book = new GradeBook();
  return gradesByDay(rows, asOf).map(([day, ofDay]) => {
    for (const row of ofDay) book.add(row);
    const facts = [...new Set(ofDay.map((row) => row.item))].flatMap((item) => book.fact(item) ?? []);
    return [day, new Map(facts.map((fact) => [fact.item, gradesOf([fact], settings)[0]]))];
  });
}

function toGrade({ item, value, max, day, gradedAt }: GradeFact, settings: DerivingSettings): Grade | null {
  if (value === null || (value === 0n && settings.zeroGrades === 'ungraded')) return null;
  return { item, points: value < max ? value : max, max, day, gradedAt };
}

const percent = (grade: Grade | undefined): string | null =>
  grade === undefined ? null : roundRatio(100n * grade.points, grade.max, 2);

/** Compared before rounding. */
const isPassed = ({ points, max }: Grade, { passMark }: DerivingSettings): boolean =>
  100n * points * SETTING_SCALE >= passMark * max;

const compareGrades = (a: Grade, b: Grade): number => Number(a.points * b.max - b.points * a.max);

/** Grades with a common denominator, so that they can be summed and compared as integers. */
export function overCommonMax(grades: readonly Pick<Grade, 'points' | 'max'>[]): {
  readonly points: readonly bigint[];
  readonly max: bigint;
} {
  const max = grades.reduce((multiple, grade) => commonMultiple(multiple, grade.max), 1n);
  return { points: grades.map((grade) => (grade.points * max) / grade.max), max };
}

/** Mean in percent, exact up to one rounding to 2 decimals; null without grades. */
export function meanGrade(grades: readonly Grade[]): string | null {
  if (grades.length === 0) return null;
  const { points, max } = overCommonMax(grades);
  return roundRatio(100n * points.reduce((sum, point) => sum + point, 0n), max * BigInt(grades.length), 2);
}

const LEAST_ITEMS_FOR_TREND = 3;
const LEAST_DAYS_FOR_TREND = 7;
const TREND_DAYS = 30n;

/**
 * Least-squares slope of the grade over the local day it was given, in points per 30 days, 6 decimals; null with fewer than
 * three items, or fewer than seven days between the first and the last.
 */
function gradeTrend(grades: readonly Grade[]): string | null {
  const days = grades.map((grade) => grade.day);
  const origin = days.reduce((first, day) => Math.min(first, day), Number.POSITIVE_INFINITY);
  const last = days.reduce((latest, day) => Math.max(latest, day), Number.NEGATIVE_INFINITY);
  if (grades.length < LEAST_ITEMS_FOR_TREND || last - origin < LEAST_DAYS_FOR_TREND) return null;
  const { points, max } = overCommonMax(grades);
  const n = BigInt(grades.length);
  let [sumX, sumXX, sumY, sumXY] = [0n, 0n, 0n, 0n];
  points.forEach((y, index) => {
    const x = BigInt((days[index] ?? origin) - origin);
    sumX += x;
    sumXX += x * x;
    sumY += y;
    sumXY += x * y;
  });
  return roundRatio(TREND_DAYS * 100n * (n * sumXY - sumX * sumY), max * (n * sumXX - sumX * sumX), 6);
}
