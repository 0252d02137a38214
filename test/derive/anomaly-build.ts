import type { GradeObservation } from '#libs/clean/grades.ts';
import { anomalyFeatures } from '#libs/derive/anomaly/anomaly.ts';
import { type AnomalyKey, anomalySeries, flagsOfBits } from '#libs/derive/anomaly/anomaly-series.ts';
import type { AnomalyFeatures, FlagName } from '#libs/derive/anomaly/flags.ts';
import { type GradedFrom, type GradedItem, gradeChanges, gradedFrom } from '#libs/derive/anomaly/graded.ts';
import type { DerivingSettings } from '#libs/derive/settings.ts';
import { formatDay, type LocalDay } from '#libs/domain/local-date.ts';
import { scaled } from '../aggregate/build.ts';
import { AS_OF, exactly } from './build.ts';

/** Points as stored; null is a day without a value. */
type Points = number | null;

/** Points in hundredths, as series keep them. */
export const hundredths = (points: readonly Points[]): (number | null)[] =>
  points.map((value) => (value === null ? null : Math.round(value * 100)));

export const times = <T>(n: number, value: T): T[] => Array.from({ length: n }, () => value);

/** A key whose days end on the as-of day, empty except for what the test gives. */
export function keyOf(special: Partial<AnomalyKey> = {}): AnomalyKey {
  const days = Math.max(special.score?.length ?? 0, special.ma7?.length ?? 0, 1);
  return {
    firstDay: AS_OF - days + 1,
    asOf: AS_OF,
    score: [],
    ma7: [],
    activeDays: [],
    enrolledDay: null,
    courseFirstEvent: null,
    graded: [],
    handedIn: [],
    grades: [],
    numbers: null,
    ...special,
  };
}

export const settingsOf = (threshold = '3') => ({
  outlierThreshold: exactly(threshold),
  openPoints: 3,
  closePoints: 2,
});

export const featuresOf = (key: AnomalyKey, threshold?: string): AnomalyFeatures =>
  anomalyFeatures(key, settingsOf(threshold));

/** Names of the flags open on the last day. */
export const openOn = (key: AnomalyKey, threshold?: string): readonly FlagName[] =>
  anomalySeries(key, settingsOf(threshold))?.bits.map(flagsOfBits).at(-1) ?? [];

/** Points of the daily score; the last 28 are the chart, the 28 before them its baseline. */
export const scoring = (baseline: readonly Points[], chart: readonly Points[]): AnomalyKey =>
  keyOf({
    score: hundredths([...times(28 - baseline.length, null), ...baseline, ...times(28 - chart.length, null), ...chart]),
  });

/** A graded item as `value/max`, out of 100 by default, given this many days before the as-of day. */
export function item(name: string, grade: string, daysAgo = 0): GradedItem {
  const [value = '', max = '100'] = grade.split('/');
  return { item: name, points: scaled(value), max: scaled(max), day: AS_OF - daysAgo };
}

/** A key with graded items in order, each of which holds from the day it was given. */
export const grading = (...items: readonly GradedItem[]): AnomalyKey => {
  const days = [...new Set(items.map(({ day }) => day))].sort((a, b) => a - b);
  const graded = days.map((from) => ({ from, items: items.filter(({ day }) => day <= from) }));
  return keyOf({ firstDay: days[0] ?? AS_OF, graded });
};

/** Items named a, b, c, …, one given each day, the last one on the as-of day. */
export const grades = (...list: readonly string[]): GradedItem[] =>
  list.map((grade, index) => item(String.fromCharCode(97 + index), grade, list.length - 1 - index));

/** The day this many days before the as-of day, as flags show it. */
export const shown = (daysAgo: number): string => formatDay(AS_OF - daysAgo);

/** The graded items as of every day, computed from what is stored of them. */
export const gradedByDay = (
  rows: readonly GradeObservation[],
  asOf: LocalDay,
  settings: DerivingSettings,
): GradedFrom[] => gradedFrom(gradeChanges(rows, asOf, settings));
