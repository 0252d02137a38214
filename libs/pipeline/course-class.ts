import { classUntil, lastClassDay } from '#libs/derive/attention/class-numbers.ts';
import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import type { ClassSettings } from '#libs/derive/settings.ts';
import { type CourseOfClass, deriveClass, sameClass } from '#libs/families/course-class.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { readClasses, writeClass } from '#libs/store/features/class-table.ts';
import { keySql } from '#libs/store/keys/statements.ts';

/**
 * Derives the class numbers of a course whose row is held, and writes them if they differ.
 * @param isNewDay the as-of of the course has changed in this transaction, so its keys are derived again anyway: the
 * class's new day alone is no reason to mark them
 * @returns whether the numbers that keys are compared with have moved
 */
export async function updateClass(
  tx: Queryable,
  course: CourseOfClass,
  settings: ClassSettings,
  isNewDay: boolean,
): Promise<boolean> {
  const { courseId } = course;
  const before = (await readClasses(tx, [courseId])).get(courseId) ?? null;
  const now = await deriveClass(tx, course, settings);
  if (sameClass(before, now)) return false;
  await writeClass(tx, courseId, now);
  await tx.query(keySql.course_new_class, [courseId]);
  return !isNewDay || before === null || now === null || !sameOnCommonDays(before, now);
}

function sameOnCommonDays(before: ClassNumbers, now: ClassNumbers): boolean {
  const last = Math.min(lastClassDay(before), lastClassDay(now));
  return sameClass(classUntil(before, last), classUntil(now, last));
}
