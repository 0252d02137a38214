import { COVERAGE_KINDS, type FirstDays, firstDayOf } from '#libs/aggregate/coverage.ts';
import { type EngagementRows, engagementEvidence, engagementFacts } from '#libs/aggregate/engagement.ts';
import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import { gradeEvidence, gradeFacts } from '#libs/aggregate/grades.ts';
import { type ActivityImage, readActivity } from '#libs/clean/activity-logs.ts';
import { type EnrollmentImage, readEnrollment } from '#libs/clean/enrollments.ts';
import { type GradeImage, type GradeObservation, readGrade } from '#libs/clean/grades.ts';
import { isRejected, type Rejected } from '#libs/clean/rejection.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import { anomalySeries } from '#libs/derive/anomaly/anomaly-series.ts';
import type { GradeChange } from '#libs/derive/anomaly/graded.ts';
import type { HandedIn } from '#libs/derive/attention/member.ts';
import { earlierDay, type LocalDay, laterDay } from '#libs/domain/local-date.ts';
import { anomalyKey } from '#libs/families/anomaly.ts';
import { courseAsOf } from '#libs/families/course-as-of.ts';
import { classOf } from '#libs/families/course-class.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import type { DeriveContext } from '#libs/families/family.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { testSettings } from '../support/settings.ts';
import type { FlaggedDays } from './tally.ts';

/** The rows of one student in one course, as the source has them. */
export interface KeyImages {
  readonly enrollments: readonly EnrollmentImage[];
  readonly activities: readonly ActivityImage[];
  readonly grades: readonly GradeImage[];
}

const settings: FeatureSettings = testSettings();

/** The flags of all students of a course, by the functions that the roles derive with; null of one without days. */
export function judgeClass(keys: readonly KeyImages[], today: LocalDay): (FlaggedDays | null)[] {
  const read = keys.map((key) => readKey(key, today));
  const evidence = read.flatMap(({ engaged, graded }) => [engaged, graded]);
  const courseFirstFact = evidence.reduce<LocalDay | null>((first, each) => earlierDay(first, each.firstFact), null);
  const lastFact = evidence.reduce<LocalDay | null>((last, each) => laterDay(last, each.lastFact), null);
  const common = { today, asOf: courseAsOf(lastFact, today), coverage: coverageOf(evidence), courseFirstFact };
  const stored = read.map((key) => daysOf(key, { ...common, otherFirstDay: key.graded.firstDay }));
  const { asOf, coverage } = common;
  const members = stored.map((days) => anomalyKey(days, asOf, coverage, settings.deriving));
  const course = { coveredFrom: coverage, firstFact: courseFirstFact, asOf };
  const numbers = classOf(members, course, settings.deriving);
  return members.map((member) => {
    const series = anomalySeries({ ...member, numbers }, settings.deriving);
    if (series === null) return null;
    const { firstDay, flags, attention } = series;
    const { points, openSince } = attention;
    return { firstDay, flags, points, since: openSince, activeDays: member.activeDays };
  });
}

const coverageOf = (evidence: readonly KeyEvidence[]): FirstDays =>
  COVERAGE_KINDS.map((kind) =>
    evidence.reduce<LocalDay | null>((first, each) => earlierDay(first, firstDayOf(each.firstDays, kind)), null),
  );

interface ReadKey {
  readonly rows: EngagementRows;
  readonly grades: readonly GradeObservation[];
  readonly engaged: KeyEvidence;
  readonly graded: KeyEvidence;
}

function readKey(images: KeyImages, today: LocalDay): ReadKey {
  const rows = {
    enrollments: readAll(images.enrollments, readEnrollment),
    activities: readAll(images.activities, readActivity),
  };
  const grades = readAll(images.grades, readGrade);
  return { rows, grades, engaged: engagementEvidence(rows, today), graded: gradeEvidence(grades, today) };
}

const readAll = <I, O extends object>(
  images: readonly I[],
  read: (image: I, settings: ReadingSettings) => O | Rejected,
): O[] =>
  images.flatMap((image) => {
    const observation = read(image, settings.reading);
    return isRejected(observation) ? [] : [observation];
  });

/** What the other two families would have stored of a key. */
function daysOf({ rows, grades }: ReadKey, context: DeriveContext) {
  const { asOf } = context;
  const engagement = engagementFamily.derive(rows, engagementFacts(rows.activities, asOf), context, settings.deriving);
  const performance = performanceFamily.derive(grades, gradeFacts(grades, asOf), context, settings.deriving);
  const enrolledAt = engagement?.features.enrolled_at ?? null;
  const series = engagement?.series ?? null;
  const handedIn = (series?.handed_in ?? []) as readonly HandedIn[];
  return {
    engagement: engagement && { asOf, enrolledAt, days: series && { first: series.firstDay, ...series, handedIn } },
    performance: performance?.series
      ? { asOf, first: performance.series.firstDay, graded: performance.series.graded as readonly GradeChange[] }
      : null,
    enrolledDay: enrolledAt === null ? null : settings.reading.institutionZone.dayOf(enrolledAt),
    numbers: null,
  };
}
