import { type EngagementFacts, type Enrolment, engagementFacts, enrolmentBy } from '#libs/aggregate/engagement.ts';
import { type GradeFact, gradeFacts } from '#libs/aggregate/grades.ts';
import type { CourseOnDay } from '#libs/dataset/course-days.ts';
import { daysOn, type RowsOfKey } from '#libs/dataset/key-rows.ts';
import { anomalyFeatures } from '#libs/derive/anomaly/anomaly.ts';
import { type AnomalyKey, type AnomalySeries, anomalySeries } from '#libs/derive/anomaly/anomaly-series.ts';
import type { AnomalyFeatures } from '#libs/derive/anomaly/flags.ts';
import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import { type EngagementFeatures, timedEvents } from '#libs/derive/engagement.ts';
import type { TimedEvent } from '#libs/derive/engagement-score.ts';
import type { PerformanceFeatures } from '#libs/derive/performance.ts';
import type { DerivingSettings } from '#libs/derive/settings.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { anomalyKey } from '#libs/families/anomaly.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';

/** Everything between a key's rows and its features, computed by the functions that the roles derive with. */
export interface Grounds {
  readonly course: CourseOnDay;
  readonly asOf: LocalDay;
  readonly settings: DerivingSettings;
  readonly rows: RowsOfKey;
  readonly enrolment: Enrolment;
  readonly facts: EngagementFacts;
  readonly grades: readonly GradeFact[];
  /** Events up to as-of, with the time credited to each. */
  readonly timed: readonly TimedEvent[];
  /** What the flags are derived from. */
  readonly key: AnomalyKey;
  readonly series: AnomalySeries | null;
  readonly engagement: EngagementFeatures | null;
  readonly performance: PerformanceFeatures | null;
  readonly anomaly: AnomalyFeatures | null;
}

/** @param numbers of the class, up to the course's as-of */
export function groundsOf(
  rows: RowsOfKey,
  course: CourseOnDay,
  numbers: ClassNumbers | null,
  settings: FeatureSettings,
): Grounds {
  const { today, asOf, coverage } = course;
  const { deriving } = settings;
  const { engagement, performance, stored } = daysOn(rows, course, settings);
  const facts = engagementFacts(rows.engagement.activities, asOf);
  const key = anomalyKey({ ...stored, numbers }, asOf, coverage, deriving);
  const series = anomalySeries(key, deriving);
  const hasRow = engagement !== null || performance !== null;
  return {
    course,
    asOf,
    settings: deriving,
    rows,
    enrolment: enrolmentBy(rows.engagement.enrollments, today),
    facts,
    grades: gradeFacts(rows.grades, asOf),
    timed: timedEvents(facts.events, deriving),
    key,
    series,
    engagement: engagement?.features ?? null,
    performance: performance?.features ?? null,
    anomaly: hasRow ? anomalyFeatures(key, deriving, series) : null,
  };
}
