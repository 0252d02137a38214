import type { StudentCourse } from '#libs/domain/family.ts';
import type { SqlValue } from '#libs/platform/postgres/database.ts';

/** A key as a database row. */
export interface KeyRow {
  readonly student_id: number;
  readonly course_id: number;
}

export const toKey = (row: KeyRow): StudentCourse => ({ courseId: row.course_id, studentId: row.student_id });

/** Keys as two parameters, in the order of the result tables' columns. */
export const studentsAndCourses = (keys: readonly StudentCourse[]): SqlValue[] => [
  keys.map((key) => key.studentId),
  keys.map((key) => key.courseId),
];

/** The same, in the order of the state tables' columns. */
export const coursesAndStudents = (keys: readonly StudentCourse[]): SqlValue[] => studentsAndCourses(keys).reverse();
