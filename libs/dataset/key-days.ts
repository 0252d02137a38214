import { engagementEvidence, enrolmentBy } from '#libs/aggregate/engagement.ts';
import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import { gradeEvidence, gradeFactDays } from '#libs/aggregate/grades.ts';
import { anomalyFeatures } from '#libs/derive/anomaly/anomaly.ts';
import { type AnomalyKey, type AnomalySeries, anomalySeries } from '#libs/derive/anomaly/anomaly-series.ts';
import { gradeChanges } from '#libs/derive/anomaly/graded.ts';
import { classUntil } from '#libs/derive/attention/class-numbers.ts';
import { handedInOf } from '#libs/derive/attention/handed-in.ts';
import { type ClassMember, memberOf } from '#libs/derive/attention/member.ts';
import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import { engagementRow, meansAt, timedEvents } from '#libs/derive/engagement.ts';
import type { TimedEvent } from '#libs/derive/engagement-score.ts';
import type { EngagementSeries } from '#libs/derive/engagement-series.ts';
import { performanceFeatures } from '#libs/derive/performance.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { anomalyKey } from '#libs/families/anomaly.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { CourseOnDay } from './course-days.ts';
import { areDaysInOrder, EngagementFactsByDay, GradeFactsByDay } from './facts-by-day.ts';
import { daysOn, type FeaturesOfKey, featuresOn, type RowsOfKey } from './key-rows.ts';

/** The rows of a key, and the facts that follow from them as of any day up to a last one. */
export interface FactsOfKey {
  readonly rows: RowsOfKey;
  readonly facts: EngagementFactsByDay;
  /** Whether the facts of a day depend only on rows up to that day. */
  readonly isInOrder: boolean;
}

export const factsOf = (rows: RowsOfKey, last: LocalDay): FactsOfKey => ({
  rows,
  facts: new EngagementFactsByDay(rows.engagement.activities, last),
  isInOrder: areDaysInOrder(rows.engagement.activities) && areDaysInOrder(rows.grades),
});

/** What one key contributes to its course and its class as of a day; it does not depend on either. */
export interface KeySays {
  readonly evidence: readonly KeyEvidence[];
  readonly factDays: readonly LocalDay[];
  readonly member: ClassMember;
}

export function whatKeySays({ rows, facts }: FactsOfKey, last: LocalDay, settings: FeatureSettings): KeySays {
  const { engagement, grades } = rows;
  const now = facts.on(last);
  return {
    evidence: [engagementEvidence(engagement, last, now), gradeEvidence(grades, last)],
    factDays: [...now.activeDays, ...gradeFactDays(grades, last)],
    member: memberOf(now.activeDays, handedInOf(now), gradeChanges(grades, last, settings.deriving)),
  };
}

/**
 * The features of one key as of any day, each equal to the result of {@link featuresOn} for that day, from one pass over its
 * rows: facts, series and open flags of a day are a prefix of those of a later day. Ask for days in ascending order.
 */
export class KeyDays {
  readonly #rows: RowsOfKey;
  readonly #numbers: ClassNumbers | null;
  readonly #settings: FeatureSettings;
  readonly #facts: EngagementFactsByDay;
  readonly #grades: GradeFactsByDay;
  readonly #timed: readonly TimedEvent[];
  readonly #series: EngagementSeries | null;
  readonly #key: AnomalyKey;
  readonly #flags: AnomalySeries | null;

  /**
   * @param last the course on the last day that it speaks for
   * @param numbers those of its class, up to that day
   */
  constructor({ rows, facts }: FactsOfKey, last: CourseOnDay, numbers: ClassNumbers | null, settings: FeatureSettings) {
    const { deriving } = settings;
    const { engagement, stored } = daysOn(rows, last, settings, facts.on(last.asOf));
    this.#rows = rows;
    this.#numbers = numbers;
    this.#settings = settings;
    this.#facts = facts;
    this.#grades = new GradeFactsByDay(rows.grades, last.asOf);
    this.#timed = timedEvents(facts.all.events, deriving);
    this.#series = (engagement?.series ?? null) as EngagementSeries | null;
    this.#key = anomalyKey({ ...stored, numbers }, last.asOf, last.coverage, deriving);
    this.#flags = anomalySeries(this.#key, deriving);
  }

  on(course: CourseOnDay): FeaturesOfKey {
    const { today, asOf } = course;
    const { enrollments } = this.#rows.engagement;
    // While a course stands still, only an enrolment can become known, and it shows in the features at once.
    const isEnrolledSince = enrollments.some(({ day }) => day !== null && day > asOf && day <= today);
    if (isEnrolledSince) return featuresOn(this.#rows, course, classUntil(this.#numbers, asOf), this.#settings);
    const { deriving } = this.#settings;
    const engagement = this.#engagementOn(course);
    const performance = performanceFeatures(this.#grades.on(asOf), asOf, deriving);
    const hasRow = engagement !== null || performance !== null;
    const anomaly = hasRow ? anomalyFeatures(this.#key, deriving, this.#flags, asOf) : null;
    return { asOf, engagement, performance, anomaly };
  }

  #engagementOn({ asOf, coverage }: CourseOnDay): FeaturesOfKey['engagement'] {
    const facts = this.#facts.on(asOf);
    const enrolment = enrolmentBy(this.#rows.engagement.enrollments, asOf);
    const timed = this.#timed.slice(0, facts.events.length);
    return engagementRow(
      { enrolment, facts, coverage, asOf },
      timed,
      meansAt(this.#series, asOf),
      this.#settings.deriving,
    );
  }
}
