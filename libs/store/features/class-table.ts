import { activeDaysOf } from '#libs/derive/activity-days.ts';
import type { GradeChange } from '#libs/derive/anomaly/graded.ts';
import { type ClassMember, type HandedIn, memberOf } from '#libs/derive/attention/member.ts';
import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import { formatDay, parseDay } from '#libs/domain/local-date.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { arrayText, parseArray } from '../arrays.ts';
import { featureSql } from './statements.ts';

interface MemberRow {
  readonly first_day: string | null;
  readonly active: string | null;
  readonly handed_in: readonly HandedIn[] | null;
  readonly graded: readonly GradeChange[] | null;
}

/** The stored days of each key of a course, as its class counts them. */
export async function readMembers(tx: Queryable, courseId: number): Promise<ClassMember[]> {
  const rows = await tx.query<MemberRow>(featureSql.class_members, [courseId]);
  return rows.map(({ first_day: first, active, handed_in: handedIn, graded }) => {
    const activeDays = first === null || active === null ? [] : activeDaysOf(parseArray(active), parseDay(first));
    return memberOf(activeDays, handedIn ?? [], graded ?? []);
  });
}

interface ClassRow {
  readonly course_id: number;
  readonly first_day: string;
  readonly attending: string;
  readonly usual: string;
  readonly sources: ClassNumbers['sources'];
  readonly expected: ClassNumbers['expected'];
  readonly grades: ClassNumbers['grades'];
}

/** The class numbers of the given courses; courses without any are left out. */
export async function readClasses(tx: Queryable, courseIds: readonly number[]): Promise<Map<number, ClassNumbers>> {
  const rows = await tx.query<ClassRow>(featureSql.class_read, [courseIds]);
  return new Map(
    rows.map(({ course_id, first_day, attending, usual, ...steps }) => [
      course_id,
      {
        firstDay: parseDay(first_day),
        attending: parseArray(attending).map((count) => count ?? 0),
        usual: parseArray(usual),
        ...steps,
      },
    ]),
  );
}

/** To be called by the holder of the course's row. */
export async function writeClass(tx: Queryable, courseId: number, numbers: ClassNumbers | null): Promise<void> {
  if (numbers === null) {
    await tx.query(featureSql.class_remove, [courseId]);
    return;
  }
  const { firstDay, attending, usual, sources, expected, grades } = numbers;
  const steps = [sources, expected, grades].map((list) => JSON.stringify(list));
  await tx.query(featureSql.class_write, [
    courseId,
    formatDay(firstDay),
    arrayText(attending),
    arrayText(usual),
    ...steps,
  ]);
}
