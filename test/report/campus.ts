import { COVERAGE_KINDS, type FirstDays, firstDayOf } from '#libs/aggregate/coverage.ts';
import { engagementEvidence, engagementFacts } from '#libs/aggregate/engagement.ts';
import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import { gradeEvidence, gradeFacts } from '#libs/aggregate/grades.ts';
import { readActivity } from '#libs/clean/activity-logs.ts';
import { readEnrollment } from '#libs/clean/enrollments.ts';
import { readGrade } from '#libs/clean/grades.ts';
import { isRejected, type Rejected } from '#libs/clean/rejection.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import { flagsOfBits } from '#libs/derive/anomaly/anomaly-series.ts';
import { gradeChanges } from '#libs/derive/anomaly/graded.ts';
import type { HandedIn } from '#libs/derive/attention/member.ts';
import { earlierDay, type LocalDay, laterDay, MS_PER_DAY } from '#libs/domain/local-date.ts';
import { anomalyFamily } from '#libs/families/anomaly.ts';
import { courseAsOf } from '#libs/families/course-as-of.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import type { DeriveContext } from '#libs/families/family.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { keyHistory } from '../../services/sandbox/campus/history.ts';
import { type Campus, type Enrollment, planCampus } from '../../services/sandbox/campus/people.ts';
import { testSettings } from '../support/settings.ts';
import type { FlaggedDays, Truth } from './tally.ts';

/** What one student did in one course, what is known of it, and what the rules say. */
export interface Judged {
  readonly truth: Truth | null;
  readonly days: FlaggedDays;
}

const settings: FeatureSettings = testSettings();

/** The whole campus of a seed, by the functions that the roles derive with; its stories were fixed before any of them. */
export function judgeCampus(seed: string, end: number, students?: number): Judged[] {
  const campus = planCampus(seed, end, students);
  const today = Math.floor(end / MS_PER_DAY);
  return campus.courses.flatMap((course) =>
    judgeCourse(
      campus,
      campus.enrollments.filter((key) => key.courseId === course.id),
      today,
    ),
  );
}

function judgeCourse(campus: Campus, keys: readonly Enrollment[], today: LocalDay): Judged[] {
  const read = keys.map((key) => readKey(campus, key, today));
  const evidence = read.flatMap(({ engaged, graded }) => [engaged, graded]);
  const firstFact = evidence.reduce<LocalDay | null>((first, each) => earlierDay(first, each.firstFact), null);
  const lastFact = evidence.reduce<LocalDay | null>((last, each) => laterDay(last, each.lastFact), null);
  const common = {
    today,
    asOf: courseAsOf(lastFact, today),
    coverage: coverageOf(evidence),
    courseFirstFact: firstFact,
  };
  return read.flatMap((key, index) => {
    const days = flaggedDays(key, { ...common, otherFirstDay: key.graded.firstDay });
    const enrolment = keys[index];
    return days === null || enrolment === undefined ? [] : [{ truth: truthOf(enrolment), days }];
  });
}

const coverageOf = (evidence: readonly KeyEvidence[]): FirstDays =>
  COVERAGE_KINDS.map((kind) =>
    evidence.reduce<LocalDay | null>((first, each) => earlierDay(first, firstDayOf(each.firstDays, kind)), null),
  );

function truthOf({ line }: Enrollment): Truth | null {
  if (line === null) return null;
  const { story, startsOn, endsOn } = line;
  return { story, from: startsOn / MS_PER_DAY, to: endsOn === null ? null : endsOn / MS_PER_DAY };
}

type ReadKey = ReturnType<typeof readKey>;

function readKey(campus: Campus, key: Enrollment, today: LocalDay) {
  const { activities, grades } = keyHistory(campus, key);
  const ids = { student_id: key.studentId, course_id: key.courseId };
  const rows = {
    enrollments: readAll([{ ...ids, enrolled_at: key.enrolledAt }], readEnrollment),
    activities: readAll(
      activities.map((row) => ({
        ...ids,
        activity_type: row.type,
        resource_id: row.resourceId,
        duration_seconds: row.durationSeconds === null ? null : String(row.durationSeconds),
        timestamp: row.at,
        metadata: row.metadata === null ? null : JSON.stringify(row.metadata),
      })),
      readActivity,
    ),
  };
  const gradeRows = readAll(
    grades.map((row) => ({
      ...ids,
      grade_item: row.item,
      grade_value: row.value === null ? null : String(row.value),
      grade_max: String(row.max),
      timestamp: row.at,
    })),
    readGrade,
  );
  return {
    rows,
    gradeRows,
    engaged: engagementEvidence(rows, today),
    graded: gradeEvidence(gradeRows, today),
  };
}

const readAll = <I, O extends object>(
  images: readonly I[],
  read: (image: I, settings: ReadingSettings) => O | Rejected,
): O[] =>
  images.flatMap((image) => {
    const observation = read(image, settings.reading);
    return isRejected(observation) ? [] : [observation];
  });

/** As the anomaly role does it, from what the other two would store. */
function flaggedDays({ rows, gradeRows }: ReadKey, context: DeriveContext): FlaggedDays | null {
  const { asOf } = context;
  const engagement = engagementFamily.derive(rows, engagementFacts(rows.activities, asOf), context, settings.deriving);
  const performance = performanceFamily.derive(gradeRows, gradeFacts(gradeRows, asOf), context, settings.deriving);
  const enrolledAt = engagement?.features.enrolled_at ?? null;
  const stored = {
    engagement: engagement && {
      asOf,
      enrolledAt,
      days: engagement.series && {
        first: engagement.series.firstDay,
        ...engagement.series,
        handedIn: engagement.series.handed_in as readonly HandedIn[],
      },
    },
    performance: performance?.series
      ? { asOf, first: performance.series.firstDay, graded: gradeChanges(gradeRows, asOf, settings.deriving) }
      : null,
    enrolledDay: enrolledAt === null ? null : settings.reading.institutionZone.dayOf(enrolledAt),
    // Alone, without a class, a student has no attention.
    numbers: null,
  };
  const flagged = anomalyFamily.derive(stored, null, context, settings.deriving);
  const series = flagged?.series ?? null;
  return (
    series && {
      firstDay: series.firstDay,
      flags: series.flags.map((bits) => flagsOfBits(bits ?? 0)),
    }
  );
}
