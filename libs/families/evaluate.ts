import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import type { DerivingSettings } from '#libs/derive/settings.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { SeriesColumns } from '#libs/store/features/series-table.ts';
import type { CourseState } from '#libs/store/keys/keys.ts';
import type { Derived, FamilyDefinition, FamilyKinds } from './family.ts';
import type { FeatureSettings } from './settings.ts';

/** What was read of a key. */
export interface KeyReading<R> {
  /** The rows that count: see {@link rowsThatCount}. */
  readonly rows: R;
  readonly course: CourseState | undefined;
  /** The first day that the other family sees. */
  readonly otherFirstDay: LocalDay | null;
  readonly today: LocalDay;
}

/** What should be stored of a key. */
export interface KeyEvaluation<F, S extends SeriesColumns> {
  readonly evidence: KeyEvidence;
  /** Null: no row; undefined: nothing can be said of the key until its course is known. */
  readonly derived: Derived<F, S> | null | undefined;
}

/** The rows of a key that count: excluded students, such as staff, have none. */
export const rowsThatCount = <K extends FamilyKinds>(
  definition: FamilyDefinition<K>,
  settings: FeatureSettings,
  key: StudentCourse,
  rows: K['rows'] | undefined,
): K['rows'] => (settings.excluded.has(key.studentId) ? definition.noRows : (rows ?? definition.noRows));

/** What follows from what was read of a key: the deriver writes it, the nightly reconcile compares with it. */
export function evaluateKey<K extends FamilyKinds>(
  { facts, evidence, derive }: FamilyDefinition<K>,
  settings: DerivingSettings,
  { rows, course, otherFirstDay, today }: KeyReading<K['rows']>,
): KeyEvaluation<K['features'], K['series']> {
  const factsToday = facts(rows, today);
  const said = evidence(rows, factsToday, today);
  if (course === undefined || course.version === 0) return { evidence: said, derived: undefined };
  const { asOf, coveredFrom: coverage, firstFact: courseFirstFact } = course;
  const factsAsOf = asOf === today ? factsToday : facts(rows, asOf);
  const context = { today, asOf, coverage, courseFirstFact, otherFirstDay };
  return { evidence: said, derived: derive(rows, factsAsOf, context, settings) };
}
