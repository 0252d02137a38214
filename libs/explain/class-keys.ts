import type { AnomalyKey } from '#libs/derive/anomaly/anomaly-series.ts';
import { MOST_DAYS_GONE } from '#libs/domain/flags.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { anomalyFamily, anomalyKey, knownUntil } from '#libs/families/anomaly.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { readStoredSettings } from '#libs/families/stored-settings.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { findEntity } from '#libs/serve/identity.ts';
import { type CourseState, readCourses } from '#libs/store/keys/keys.ts';
import { explainSql } from './statements.ts';

/** So many keys are judged before other requests to the process get a turn. */
export const JUDGED_AT_A_STRETCH = 20;

export interface ClassStudentIds {
  readonly student_id: number;
  readonly student_source_id: string;
}

export interface ClassKey {
  readonly student: ClassStudentIds;
  readonly key: AnomalyKey;
}

export interface ClassKeys {
  readonly courseId: number;
  readonly courseSourceId: string;
  /** Undefined: nothing is derived of it yet. */
  readonly course: CourseState | undefined;
  readonly settings: FeatureSettings;
  /** In order of the students. */
  readonly keys: readonly ClassKey[];
}

/**
 * What the flags of a whole class are derived from, as it is stored.
 * @param tx all of whose reads see the same moment
 * @param id of the course: our integer, or the UUID of the source
 * @throws NotFoundError for a course that was never seen
 */
export async function readClassKeys(tx: Queryable, id: string): Promise<ClassKeys> {
  const { id: courseId, source_id: courseSourceId } = await findEntity(tx, 'course', id);
  const known = (await readCourses(tx, [courseId])).get(courseId);
  const course = known?.version === 0 ? undefined : known;
  const settings = await readStoredSettings(tx);
  if (course === undefined) return { courseId, courseSourceId, course, settings, keys: [] };
  const students = await tx.query<ClassStudentIds>(explainSql.class_students, [courseId]);
  const asked = students.map(({ student_id: studentId }) => ({ courseId, studentId }));
  const read = await anomalyFamily.read(tx, asked, settings.reading);
  const keys = read.flatMap(({ rows }, index) => {
    const student = students[index];
    const asOf = knownUntil(rows);
    if (student === undefined || asOf === null) return [];
    return [{ student, key: anomalyKey(rows, asOf, course.coveredFrom, settings.deriving) }];
  });
  return { courseId, courseSourceId, course, settings, keys };
}

/** A student who has been gone for long is neither counted nor listed. @param activeDays ascending */
export function isLongGone(activeDays: readonly LocalDay[], on: LocalDay): boolean {
  const last = activeDays.findLast((day) => day <= on);
  return last !== undefined && on - last > MOST_DAYS_GONE;
}
