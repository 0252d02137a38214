import type { StudentCourse } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { ANOMALY } from '#libs/features/anomaly.ts';
import { type Definition, type Definitions, meaningOf } from '#libs/features/definition.ts';
import { ENGAGEMENT } from '#libs/features/engagement.ts';
import { PERFORMANCE } from '#libs/features/performance.ts';
import { type FeatureType, TYPE_OF_UNIT } from '#libs/features/units.ts';
import type { FeaturesOfKey } from './key-rows.ts';

/** A value in the form of the features: decimals as exact text, instants in milliseconds, days as numbers. */
export type DatasetValue = unknown;
export type DatasetRow = readonly DatasetValue[];

export interface DatasetColumn {
  readonly name: string;
  readonly type: FeatureType | 'date';
  readonly isKey: boolean;
  readonly meaning: string;
}

const column = (name: string, type: DatasetColumn['type'], meaning: string, isKey = false): DatasetColumn => ({
  name,
  type,
  isKey,
  meaning,
});

const KEYS: readonly DatasetColumn[] = [
  column('course_id', 'integer', 'The course, by our integer.', true),
  column('student_id', 'integer', 'The student, by our integer.', true),
];

const featuresOf = (definitions: Definitions): DatasetColumn[] =>
  Object.entries<Definition>(definitions).map(([name, definition]) =>
    column(name, TYPE_OF_UNIT[definition.unit], meaningOf(definition)),
  );

/** One row per student, course and day: what was known on that day. */
export const FEATURE_COLUMNS: readonly DatasetColumn[] = [
  ...KEYS,
  column('as_of', 'date', 'The day on which this was known: from the rows dated on or before it.', true),
  column(
    'as_of_date',
    'date',
    'The day that the features speak for: before as_of while the course stands still.',
    true,
  ),
  ...featuresOf(ENGAGEMENT),
  ...featuresOf(PERFORMANCE),
  ...featuresOf(ANOMALY),
];

/** One row per student and course: the outcome, known once the course has stopped. */
export const LABEL_COLUMNS: readonly DatasetColumn[] = [
  ...KEYS,
  column('label_passed', 'boolean', 'passed, once the course has stopped; else null.'),
  column('label_module_grade', 'numeric', 'module_grade, once the course has stopped; else null.'),
  column('label_last_active_day', 'date', 'The last active day, once the course has stopped; else null.'),
];

const [ENGAGEMENT_NAMES, PERFORMANCE_NAMES, ANOMALY_NAMES] = [ENGAGEMENT, PERFORMANCE, ANOMALY].map((table) =>
  Object.keys(table),
);

/** The row of a key on a day, in the order of {@link FEATURE_COLUMNS}; null if no table had one. */
export function featureRow(
  { courseId, studentId }: StudentCourse,
  day: LocalDay,
  { asOf, engagement, performance, anomaly }: FeaturesOfKey,
): DatasetRow | null {
  if (engagement === null && performance === null) return null;
  const row: DatasetValue[] = [courseId, studentId, day, asOf];
  put(row, ENGAGEMENT_NAMES, engagement);
  put(row, PERFORMANCE_NAMES, performance);
  put(row, ANOMALY_NAMES, anomaly);
  return row;
}

function put(row: DatasetValue[], names: readonly string[] = [], features: object | null): void {
  const values = features as Readonly<Record<string, unknown>> | null;
  for (const name of names) row.push(values?.[name] ?? null);
}
