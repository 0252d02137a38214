import type { LocalMillis, Uuid } from '#libs/domain/change.ts';
import { ConfigurationError, UnrecoverableError } from '#libs/domain/errors.ts';
import { type Database, loadStatements, type Queryable } from '#libs/platform/postgres/database.ts';
import { DAY, dateText } from '../local-time.ts';
import {
  type ActivityRow,
  type EnrollmentRow,
  type GradeRow,
  insertActivities,
  insertCourses,
  insertEnrollments,
  insertGrades,
  insertStudents,
  ROWS_PER_STATEMENT,
  type StudentRow,
} from '../rows.ts';
import { uuidFrom } from '../uuid.ts';
import { checkDirectory, readTable, wholeOrNull } from './dataset.ts';
import { dayZero, type Presentation, surveyPresentation } from './presentation.ts';

const sql = loadStatements(new URL('../sql/', import.meta.url), [
  'course_exists',
  'delete_course_activities',
  'delete_course_grades',
  'delete_course_enrollments',
  'delete_course',
]);

export interface LoadProgress {
  readonly phase: 'reading' | 'deleting' | 'loading';
  /** Rows deleted or loaded so far in this phase. */
  readonly rows: number;
}

export interface LoadOptions {
  /** Folder of the data set's CSV files. */
  readonly directory: string;
  /** `AAA-2013J`. */
  readonly presentation: string;
  /** `none`, or the day (`YYYY-MM-DD`) that the last click or submission is moved to. */
  readonly shiftTo: string;
  /** Replace an earlier load of the presentation, which otherwise is an error. */
  readonly again?: boolean;
  readonly onProgress?: (progress: LoadProgress) => void;
}

export interface LoadResult {
  readonly courseId: Uuid;
  readonly firstDay: string;
  readonly lastDay: string;
  /** Registered students, including those that another presentation had already brought. */
  readonly students: number;
  readonly enrollments: number;
  readonly views: number;
  readonly submissions: number;
  readonly grades: number;
  /** Rows of an earlier load that `again` deleted. */
  readonly deleted: number;
  readonly seconds: number;
}

/** Ids are derived from the data set's, so that a student of two presentations is one and a second load is noticed. */
const NAMESPACE = '0a4c1a5e-8b53-4d0b-9a7e-2f2d5c0e7b64';
const studentId = (id: string): Uuid => uuidFrom(NAMESPACE, `student/${id}`);

interface Loading {
  readonly db: Database;
  readonly directory: string;
  readonly presentation: Presentation;
  readonly courseId: Uuid;
  readonly zero: LocalMillis;
  readonly loaded: (rows: number) => void;
}

/**
 * Writes one presentation as a course, as a good LMSConnector would: every registered student, each row of clicks as a
 * `view`, each assessment handed in as a `submission` and a grade, in transactions of about 5,000 rows.
 * @throws ConfigurationError if files are missing, the presentation is unknown, or it was loaded before
 */
export async function loadPresentation(db: Database, options: LoadOptions): Promise<LoadResult> {
  const started = performance.now();
  const onProgress = options.onProgress ?? (() => {});
  const { directory } = options;
  checkDirectory(directory);
  onProgress({ phase: 'reading', rows: 0 });
  const presentation = await surveyPresentation(directory, options.presentation);
  const courseId = uuidFrom(NAMESPACE, `course/${presentation.name}`);
  const zero = dayZero(presentation, options.shiftTo);
  const deleted = await makeRoom(db, courseId, presentation.name, options.again ?? false, onProgress);
  let rows = 0;
  const loaded = (more: number) => {
    rows += more;
    onProgress({ phase: 'loading', rows });
  };
  const loading: Loading = { db, directory, presentation, courseId, zero, loaded };
  const students = await loadStudents(loading);
  const views = await loadViews(loading, students);
  const { submissions, grades } = await loadAssessments(loading, students);
  return {
    courseId,
    firstDay: dateText(zero),
    lastDay: dateText(zero + presentation.lastDay * DAY),
    students: students.size,
    enrollments: students.size,
    views,
    submissions,
    grades,
    deleted,
    seconds: (performance.now() - started) / 1000,
  };
}

async function makeRoom(
  db: Database,
  courseId: Uuid,
  name: string,
  again: boolean,
  onProgress: (progress: LoadProgress) => void,
): Promise<number> {
  const [answer] = await db.query<{ present: boolean }>(sql.course_exists, [courseId]).catch(explainMissingTable);
  if (answer?.present !== true) return 0;
  if (!again)
    throw new ConfigurationError(
      `${name} is in the database already, whole or in part`,
      'add --again to delete the rows of that course and load it anew',
    );
  let deleted = 0;
  for (const statement of [sql.delete_course_activities, sql.delete_course_grades, sql.delete_course_enrollments]) {
    for (;;) {
      const [gone] = await db.query<{ rows: number }>(statement, [courseId, ROWS_PER_STATEMENT]);
      if (gone === undefined || gone.rows === 0) break;
      deleted += gone.rows;
      onProgress({ phase: 'deleting', rows: deleted });
    }
  }
  await db.query(sql.delete_course, [courseId]);
  return deleted;
}

const UNDEFINED_TABLE = '42P01';

function explainMissingTable(error: Error & { code?: string }): never {
  if (error.code !== UNDEFINED_TABLE) throw error;
  throw new UnrecoverableError(
    'source_schema',
    'the source database has no table "courses"',
    'point SOURCE_DB_* at the database an LMSConnector writes, or run npm start once, which makes one',
    { cause: error },
  );
}

/** Writes the course and every registered student. @returns our ids by the data set's */
async function loadStudents({ db, directory, presentation, courseId, zero, loaded }: Loading) {
  const { module, code, name } = presentation;
  const students = new Map<string, StudentRow>();
  const enrollments: EnrollmentRow[] = [];
  for await (const row of readTable(directory, 'studentRegistration')) {
    if (row.code_module !== module || row.code_presentation !== code) continue;
    const day = wholeOrNull(row.date_registration);
    const student = studentRow(row.id_student, zero);
    students.set(row.id_student, student);
    enrollments.push({
      id: uuidFrom(NAMESPACE, `registration/${name}/${row.id_student}`),
      studentId: student.id,
      courseId,
      enrolledAt: day === null ? null : zero + day * DAY,
    });
  }
  await db.transaction(async (tx) => {
    await insertCourses(tx, [
      {
        id: courseId,
        externalId: `oulad-${name}`,
        shortname: name,
        fullname: `Open University ${module}, ${code}`,
        createdAt: zero,
      },
    ]);
    await insertStudents(tx, [...students.values()]);
    await insertEnrollments(tx, enrollments);
  });
  loaded(1 + students.size + enrollments.length);
  return new Map([...students].map(([id, student]) => [id, student.id]));
}

/** The data set is anonymous: a student's number stands in for the name. */
const studentRow = (id: string, zero: LocalMillis): StudentRow => ({
  id: studentId(id),
  externalId: `oulad-${id}`,
  email: null,
  firstname: 'Student',
  lastname: id,
  username: `oulad-${id}`,
  createdAt: zero,
  updatedAt: zero,
});

/** Collects rows until there are enough for a transaction. */
function batched<R>(db: Database, write: (tx: Queryable, rows: R[]) => Promise<void>, loaded: (rows: number) => void) {
  let rows: R[] = [];
  let count = 0;
  const flush = async (): Promise<number> => {
    if (rows.length === 0) return count;
    const part = rows;
    rows = [];
    await db.transaction((tx) => write(tx, part));
    count += part.length;
    loaded(part.length);
    return count;
  };
  return {
    /** Usually returns nothing; a promise has to be awaited, which slows the reader down to the writer. */
    add: (row: R): Promise<unknown> | undefined => {
      rows.push(row);
      return rows.length >= ROWS_PER_STATEMENT ? flush() : undefined;
    },
    /** Writes the rest. @returns the rows written in all */
    flush,
  };
}

function registered(students: ReadonlyMap<string, Uuid>, id: string, table: string): Uuid {
  const known = students.get(id);
  if (known === undefined)
    throw new ConfigurationError(
      `${table} names the student ${id}, whom studentRegistration does not know in this presentation`,
      'the files do not belong together: take all of them from one download',
    );
  return known;
}

/** The data set has only days, so each row of clicks gets the midnight at which its day begins. */
async function loadViews(loading: Loading, students: ReadonlyMap<string, Uuid>): Promise<number> {
  const { db, directory, presentation, courseId, zero, loaded } = loading;
  const views = batched<ActivityRow>(db, insertActivities, loaded);
  let number = 0;
  for await (const row of readTable(directory, 'studentVle')) {
    if (row.code_module !== presentation.module || row.code_presentation !== presentation.code) continue;
    // Several rows may have the same key; only their place in the file tells them apart.
    number += 1;
    const full = views.add({
      id: uuidFrom(NAMESPACE, `vle/${presentation.name}/${number}`),
      studentId: registered(students, row.id_student, 'studentVle'),
      courseId,
      type: 'view',
      resourceId: row.id_site,
      durationSeconds: null,
      at: zero + Number(row.date) * DAY,
      metadata: { clicks: Number(row.sum_click) },
    });
    if (full !== undefined) await full;
  }
  return views.flush();
}

/**
 * A banked result (carried over from an earlier presentation) is a grade, since it counts, but not a submission: nobody
 * handed anything in, and its day, always -1, was set by the office. As a submission it would be an active day before
 * the course, and always in time.
 */
async function loadAssessments(loading: Loading, students: ReadonlyMap<string, Uuid>) {
  const { db, directory, presentation, courseId, zero, loaded } = loading;
  const submissions = batched<ActivityRow>(db, insertActivities, loaded);
  const grades = batched<GradeRow>(db, insertGrades, loaded);
  for await (const row of readTable(directory, 'studentAssessment')) {
    const assessment = presentation.assessments.get(row.id_assessment);
    if (assessment === undefined) continue;
    const key = `${assessment.id}/${row.id_student}`;
    const at = zero + Number(row.date_submitted) * DAY;
    const identity = { studentId: registered(students, row.id_student, 'studentAssessment'), courseId };
    if (row.is_banked !== '1') {
      await submissions.add({
        ...identity,
        id: uuidFrom(NAMESPACE, `submission/${key}`),
        type: 'submission',
        resourceId: assessment.id,
        durationSeconds: null,
        at,
        metadata: assessment.dueDay === null ? null : { due_at: dateText(zero + assessment.dueDay * DAY) },
      });
    }
    await grades.add({
      ...identity,
      id: uuidFrom(NAMESPACE, `grade/${key}`),
      item: `${assessment.type} ${assessment.id}`,
      value: wholeOrNull(row.score),
      max: 100,
      at,
    });
  }
  return { submissions: await submissions.flush(), grades: await grades.flush() };
}
