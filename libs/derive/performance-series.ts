import type { GradeObservation } from '#libs/clean/grades.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { parseScaled } from '#libs/domain/rational.ts';
import { type Grade, gradesFrom, meanGrade } from './performance.ts';
import { SCORE_DECIMALS } from './series.ts';
import type { DerivingSettings } from './settings.ts';

/** A key's days from its first grade row to as of; means in hundredths of a percent. */
export interface PerformanceSeries {
  readonly firstDay: LocalDay;
  readonly ma7: readonly (number | null)[];
  readonly ma30: readonly (number | null)[];
}

/** Each day's means are those of the grades as of that day. */
export function performanceSeries(
  grades: readonly GradeObservation[],
  firstDay: LocalDay,
  asOf: LocalDay,
  settings: DerivingSettings,
): PerformanceSeries {
  const changes = new Map(gradesFrom(grades, asOf, settings));
  const recent = new Map<string, Grade>();
  const ma7: (number | null)[] = [];
  const ma30: (number | null)[] = [];
  for (let day = firstDay; day <= asOf; day += 1) {
    const changed = changes.get(day);
    for (const [item, grade] of changed ?? []) {
      if (grade === undefined) recent.delete(item);
      else recent.set(item, grade);
    }
    const graded = [...recent.values()];
    for (const [means, width] of [
      [ma7, 7],
      [ma30, 30],
    ] as const) {
      // On most days nothing enters or leaves the window.
      const isSame = changed === undefined && !graded.some((grade) => grade.day === day - width);
      means.push(isSame ? (means.at(-1) ?? null) : windowMean(graded, day, width));
    }
    for (const [item, grade] of recent) if (grade.day <= day - 30) recent.delete(item);
  }
  return { firstDay, ma7, ma30 };
}

const windowMean = (graded: readonly Grade[], day: LocalDay, width: number): number | null =>
  hundredths(meanGrade(graded.filter((grade) => grade.day > day - width)));

const hundredths = (text: string | null): number | null =>
  text === null ? null : Number(parseScaled(text, SCORE_DECIMALS));
