import { type EngagementRows, engagementEvidence, engagementFacts } from '#libs/aggregate/engagement.ts';
import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import { gradeEvidence, gradeFacts } from '#libs/aggregate/grades.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import type { AnomalyFeatures } from '#libs/derive/anomaly/flags.ts';
import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import type { EngagementFeatures } from '#libs/derive/engagement.ts';
import type { PerformanceFeatures } from '#libs/derive/performance.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { anomalyFamily, anomalyKey, type KnownDays, withStored } from '#libs/families/anomaly.ts';
import { classOf } from '#libs/families/course-class.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { type CourseOnDay, courseOn } from './course-days.ts';

/** The readable rows of one student in one course. */
export interface RowsOfKey {
  readonly engagement: EngagementRows;
  readonly grades: readonly GradeObservation[];
}

/** The rows of the three feature tables; null for a table without one. */
export interface FeaturesOfKey {
  readonly asOf: LocalDay;
  readonly engagement: EngagementFeatures | null;
  readonly performance: PerformanceFeatures | null;
  readonly anomaly: AnomalyFeatures | null;
}

/** What the rows dated on or before a day contribute to the course. */
export const evidenceOn = ({ engagement, grades }: RowsOfKey, day: LocalDay): readonly KeyEvidence[] => [
  engagementEvidence(engagement, day),
  gradeEvidence(grades, day),
];

/**
 * What engagement and performance would have for a key on a day: their rows, and what they store for flags and the class.
 * @param facts as of the day that the course speaks for
 */
export function daysOn(
  rows: RowsOfKey,
  course: CourseOnDay,
  settings: FeatureSettings,
  facts = engagementFacts(rows.engagement.activities, course.asOf),
) {
  const { today, asOf } = course;
  const { deriving, reading } = settings;
  const context = { ...course, otherFirstDay: gradeEvidence(rows.grades, today).firstDay };
  const engagement = engagementFamily.derive(rows.engagement, facts, context, deriving);
  const performance = performanceFamily.derive(rows.grades, gradeFacts(rows.grades, asOf), context, deriving);
  const none: KnownDays = { engagement: null, performance: null, enrolledDay: null, numbers: null };
  const days = { ...engagementFamily.stored?.(engagement, asOf), ...performanceFamily.stored?.(performance, asOf) };
  const stored = withStored(none, days, reading);
  return { engagement, performance, stored, context };
}

/**
 * The features of a key as the roles would have derived them on a day, by the same functions.
 * @param numbers of the class, up to the course's as-of
 */
export function featuresOn(
  rows: RowsOfKey,
  course: CourseOnDay,
  numbers: ClassNumbers | null,
  settings: FeatureSettings,
): FeaturesOfKey {
  const { engagement, performance, stored, context } = daysOn(rows, course, settings);
  const anomaly = anomalyFamily.derive({ ...stored, numbers }, null, context, settings.deriving);
  return {
    asOf: course.asOf,
    engagement: engagement?.features ?? null,
    performance: performance?.features ?? null,
    anomaly: anomaly?.features ?? null,
  };
}

/**
 * The features of all keys of a course as the roles would have derived them on a day, from the rows dated up to it alone:
 * the same as from {@link CourseHistory}, at the price of a pass over all rows for each day.
 */
export function courseFeaturesOn(
  keys: readonly RowsOfKey[],
  today: LocalDay,
  settings: FeatureSettings,
): FeaturesOfKey[] {
  const course = courseOn(
    today,
    keys.flatMap((rows) => evidenceOn(rows, today)),
  );
  const { asOf, coverage, courseFirstFact: firstFact } = course;
  const members = keys.map((rows) =>
    anomalyKey(daysOn(rows, course, settings).stored, asOf, coverage, settings.deriving),
  );
  const numbers = classOf(members, { coveredFrom: coverage, firstFact, asOf }, settings.deriving);
  return keys.map((rows) => featuresOn(rows, course, numbers, settings));
}
