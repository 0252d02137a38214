import type { GradeFact } from '#libs/aggregate/grades.ts';
import { AGGREGATE_ITEMS } from '#libs/clean/grades.ts';
import { roundRatio } from '#libs/domain/rational.ts';
import type { FeatureColumns } from './columns.ts';
import type { DerivingSettings } from './settings.ts';

/** The columns of `performance_features`, but its key and stamps. Decimals are text, exact. */
export interface PerformanceFeatures {
  readonly avg_grade: string | null;
  readonly latest_grade: string | null;
  readonly graded_items: number;
}

export const PERFORMANCE_COLUMNS: FeatureColumns<PerformanceFeatures> = {
  avg_grade: 'numeric',
  latest_grade: 'numeric',
  graded_items: 'integer',
};

interface GradedItem {
  readonly value: bigint;
  readonly max: bigint;
}

/**
 * The features from the grades as of a day, or null where the key has no row: no accepted grade row.
 * @param grades in order of (gradedAt, item)
 */
export function performanceFeatures(
  grades: readonly GradeFact[],
  settings: DerivingSettings,
): PerformanceFeatures | null {
  if (grades.length === 0) return null;
  const graded: GradedItem[] = [];
  for (const { item, value, max } of grades) {
    if (AGGREGATE_ITEMS.has(item) || value === null) continue;
    if (value === 0n && settings.zeroGrades === 'ungraded') continue;
    graded.push({ value: value < max ? value : max, max });
  }
  const latest = graded.at(-1);
  return {
    avg_grade: meanPercentage(graded),
    latest_grade: latest === undefined ? null : roundRatio(100n * latest.value, latest.max, 2),
    graded_items: graded.length,
  };
}

/** Mean of 100·value/max, exact up to one rounding to 2 decimals; null of nothing. */
function meanPercentage(items: readonly GradedItem[]): string | null {
  if (items.length === 0) return null;
  let numerator = 0n;
  let denominator = 1n;
  for (const { value, max } of items) {
    numerator = numerator * max + value * denominator;
    denominator *= max;
  }
  return roundRatio(100n * numerator, denominator * BigInt(items.length), 2);
}
