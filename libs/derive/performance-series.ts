import { GradeBook, gradesByDay } from '#libs/aggregate/grades.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { parseScaled } from '#libs/domain/rational.ts';
import { gradesOf, meanGrade } from './performance.ts';
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
  // Facts change only on days on which rows are dated.
  const rowDays = new Map(gradesByDay(grades, asOf));
  const book = new GradeBook();
  const ma7: (number | null)[] = [];
  const ma30: (number | null)[] = [];
  let graded = gradesOf([], settings);
  for (let day = firstDay; day <= asOf; day += 1) {
    const rows = rowDays.get(day);
    for (const row of rows ?? []) book.add(row);
    const isNew = rows !== undefined;
    if (isNew) graded = gradesOf(book.facts(), settings);
    for (const [means, width] of [
      [ma7, 7],
      [ma30, 30],
    ] as const) {
      // On most days nothing enters or leaves the window.
      const isSame = !isNew && !graded.some((grade) => grade.day === day - width);
      means.push(isSame ? (means.at(-1) ?? null) : windowMean(graded, day, width));
    }
  }
  return { firstDay, ma7, ma30 };
}

const windowMean = (graded: ReturnType<typeof gradesOf>, day: LocalDay, width: number): number | null =>
  hundredths(meanGrade(graded.filter((grade) => grade.day > day - width)));

const hundredths = (text: string | null): number | null =>
  text === null ? null : Number(parseScaled(text, SCORE_DECIMALS));
