import { type FirstDays, firstDayOf } from '#libs/aggregate/coverage.ts';
import { classNumbers } from '#libs/derive/attention/class-numbers.ts';
import type { ClassMember } from '#libs/derive/attention/member.ts';
import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import type { ClassSettings } from '#libs/derive/settings.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { readMembers } from '#libs/store/features/class-table.ts';

/** What a class needs to know of its course. */
export interface ClassCourse {
  readonly coveredFrom: FirstDays;
  readonly firstFact: LocalDay | null;
  readonly asOf: LocalDay;
}

export interface CourseOfClass extends ClassCourse {
  readonly courseId: number;
}

/** The class numbers that follow from what is stored of the course's keys. */
export const deriveClass = async (
  tx: Queryable,
  course: CourseOfClass,
  settings: ClassSettings,
): Promise<ClassNumbers | null> => classOf(await readMembers(tx, course.courseId), course, settings);

/** The class numbers that follow from a course's keys. */
export const classOf = (
  members: readonly ClassMember[],
  { coveredFrom, firstFact, asOf }: ClassCourse,
  settings: ClassSettings,
): ClassNumbers | null =>
  classNumbers(
    members,
    {
      firstFact,
      asOf,
      submissionFrom: firstDayOf(coveredFrom, 'submission'),
      notDoneFrom: firstDayOf(coveredFrom, 'not_done'),
    },
    settings,
  );

/** Whether both say the same of every day. */
export const sameClass = (one: ClassNumbers | null, other: ClassNumbers | null): boolean =>
  classText(one) === classText(other);

const classText = (numbers: ClassNumbers | null): string =>
  numbers === null
    ? ''
    : JSON.stringify([
        numbers.firstDay,
        numbers.attending,
        numbers.usual,
        numbers.sources.map(({ from, source }) => [from, source]),
        numbers.expected.map(({ from, source, item }) => [from, source, item]),
        numbers.grades.map(({ from, item, grade }) => [from, item, grade]),
      ]);
