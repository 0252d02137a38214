import type { LocalMillis, Uuid } from '#libs/domain/change.ts';
import { loadStatements, type Queryable, type SqlStatement, type SqlValue } from '#libs/platform/postgres/database.ts';
import { timestampText } from './local-time.ts';

export interface StudentRow {
  readonly id: Uuid;
  readonly externalId: string;
  readonly email: string | null;
  readonly firstname: string;
  readonly lastname: string;
  readonly username: string;
  readonly createdAt: LocalMillis;
  readonly updatedAt: LocalMillis;
}

export interface CourseRow {
  readonly id: Uuid;
  readonly externalId: string;
  readonly shortname: string;
  readonly fullname: string;
  readonly createdAt: LocalMillis;
}

export interface EnrollmentRow {
  readonly id: Uuid;
  readonly studentId: Uuid;
  readonly courseId: Uuid;
  readonly enrolledAt: LocalMillis | null;
}

export interface GradeRow {
  readonly id: Uuid;
  readonly studentId: Uuid;
  readonly courseId: Uuid;
  readonly item: string;
  readonly value: number | null;
  readonly max: number;
  readonly at: LocalMillis;
}

export interface ActivityRow {
  readonly id: Uuid;
  readonly studentId: Uuid;
  readonly courseId: Uuid;
  readonly type: string;
  readonly resourceId: string | null;
  readonly durationSeconds: number | null;
  readonly at: LocalMillis;
  readonly metadata: Readonly<Record<string, string | number>> | null;
}

/** Rows per statement: enough to make round trips negligible, few enough to bound memory. */
export const ROWS_PER_STATEMENT = 5_000;

const sql = loadStatements(new URL('./sql/', import.meta.url), [
  'insert_students',
  'insert_courses',
  'insert_enrollments',
  'insert_grades',
  'insert_activities',
]);

const time = (local: LocalMillis | null): string | null => (local === null ? null : timestampText(local));

/** Uses one statement per {@link ROWS_PER_STATEMENT} rows, with each column as one array. */
async function insert<R>(
  db: Queryable,
  statement: SqlStatement,
  rows: readonly R[],
  columns: readonly ((row: R) => SqlValue)[],
): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
    const part = rows.slice(from, from + ROWS_PER_STATEMENT);
    await db.query(
      statement,
      columns.map((column) => part.map(column)),
    );
  }
}

/** Students already there (by id) are left as they are. */
export const insertStudents = (db: Queryable, rows: readonly StudentRow[]): Promise<void> =>
  insert(db, sql.insert_students, rows, [
    (row) => row.id,
    (row) => row.externalId,
    (row) => row.email,
    (row) => row.firstname,
    (row) => row.lastname,
    (row) => row.username,
    (row) => time(row.createdAt),
    (row) => time(row.updatedAt),
  ]);

/** Courses already there (by id) are left as they are. */
export const insertCourses = (db: Queryable, rows: readonly CourseRow[]): Promise<void> =>
  insert(db, sql.insert_courses, rows, [
    (row) => row.id,
    (row) => row.externalId,
    (row) => row.shortname,
    (row) => row.fullname,
    (row) => time(row.createdAt),
  ]);

export const insertEnrollments = (db: Queryable, rows: readonly EnrollmentRow[]): Promise<void> =>
  insert(db, sql.insert_enrollments, rows, [
    (row) => row.id,
    (row) => row.studentId,
    (row) => row.courseId,
    (row) => time(row.enrolledAt),
  ]);

export const insertGrades = (db: Queryable, rows: readonly GradeRow[]): Promise<void> =>
  insert(db, sql.insert_grades, rows, [
    (row) => row.id,
    (row) => row.studentId,
    (row) => row.courseId,
    (row) => row.item,
    (row) => row.value,
    (row) => row.max,
    (row) => time(row.at),
  ]);

export const insertActivities = (db: Queryable, rows: readonly ActivityRow[]): Promise<void> =>
  insert(db, sql.insert_activities, rows, [
    (row) => row.id,
    (row) => row.studentId,
    (row) => row.courseId,
    (row) => row.type,
    (row) => row.resourceId,
    (row) => row.durationSeconds,
    (row) => time(row.at),
    (row) => (row.metadata === null ? null : JSON.stringify(row.metadata)),
  ]);
