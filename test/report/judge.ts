import { type ActivityImage, readActivity } from '#libs/clean/activity-logs.ts';
import { type EnrollmentImage, readEnrollment } from '#libs/clean/enrollments.ts';
import { type GradeImage, readGrade } from '#libs/clean/grades.ts';
import { isRejected, type Rejected } from '#libs/clean/rejection.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import { courseOn } from '#libs/dataset/course-days.ts';
import { daysOn, evidenceOn, type RowsOfKey } from '#libs/dataset/key-rows.ts';
import { anomalySeries, flagsOfBits } from '#libs/derive/anomaly/anomaly-series.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { anomalyKey } from '#libs/families/anomaly.ts';
import { classOf } from '#libs/families/course-class.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { testSettings } from '../support/settings.ts';
import type { FlaggedDays } from './openings.ts';

/** The rows of one student in one course, as the source has them. */
export interface KeyImages {
  readonly enrollments: readonly EnrollmentImage[];
  readonly activities: readonly ActivityImage[];
  readonly grades: readonly GradeImage[];
}

const settings: FeatureSettings = testSettings();

/** The flags of all students of a course, by the functions that the roles derive with; null for one without days. */
export function judgeClass(images: readonly KeyImages[], today: LocalDay): (FlaggedDays | null)[] {
  const keys = images.map(readKey);
  const evidence = keys.flatMap((rows) => evidenceOn(rows, today));
  const course = courseOn(today, evidence);
  const { asOf, coverage, courseFirstFact: firstFact } = course;
  const members = keys.map((rows) =>
    anomalyKey(daysOn(rows, course, settings).stored, asOf, coverage, settings.deriving),
  );
  const numbers = classOf(members, { coveredFrom: coverage, firstFact, asOf }, settings.deriving);
  return members.map((member) => {
    const series = anomalySeries({ ...member, numbers }, settings.deriving);
    if (series === null) return null;
    const { firstDay, bits, attention } = series;
    const { points, openSince } = attention;
    return { firstDay, flags: bits.map(flagsOfBits), points, since: openSince, activeDays: member.activeDays };
  });
}

/** The readable rows of a key. */
export const readKey = ({ enrollments, activities, grades }: KeyImages): RowsOfKey => ({
  engagement: {
    enrollments: readAll(enrollments, readEnrollment),
    activities: readAll(activities, readActivity),
  },
  grades: readAll(grades, readGrade),
});

const readAll = <I, O extends object>(
  images: readonly I[],
  read: (image: I, settings: ReadingSettings) => O | Rejected,
): O[] =>
  images.flatMap((image) => {
    const observation = read(image, settings.reading);
    return isRejected(observation) ? [] : [observation];
  });
