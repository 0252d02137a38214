import { readFileSync } from 'node:fs';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import { type Database, loadStatements, type Queryable } from '#libs/platform/postgres/database.ts';
import { keyHistory } from './history.ts';
import { localMillis } from './local-time.ts';
import { type Campus, type Enrollment, planCampus } from './people.ts';
import {
  type ActivityRow,
  type GradeRow,
  insertActivities,
  insertCourses,
  insertEnrollments,
  insertGrades,
  insertStudents,
  ROWS_PER_STATEMENT,
} from './rows.ts';
import { createStoryTable, replaceStories } from './stories/truth.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['create_index', 'lock_campus', 'is_empty']);

export interface SeedProgress {
  /** Rows written so far, not yet committed. */
  readonly rows: number;
  /** 0 to 1. */
  readonly share: number;
}

export interface SeedOptions {
  /** Chooses the campus: the same seed and `now` give the same rows, ids included. */
  readonly seed: string;
  /** Where the history ends, milliseconds since 1970-01-01T00:00Z. */
  readonly now: number;
  /** The zone of the source's timestamps (`SOURCE_TIMEZONE`); default UTC. */
  readonly timeZone?: string;
  /** Number of students, 1 to 800; default 300. */
  readonly students?: number;
  readonly onProgress?: (progress: SeedProgress) => void;
}

export interface SeedResult {
  /** False if the database already had rows; then nothing was written. */
  readonly seeded: boolean;
  readonly rows: Readonly<Record<SourceTable, number>>;
  readonly seconds: number;
}

/** Makes the tables of an LMSConnector where they are missing, and an index that the living campus needs. */
export async function createCampusSchema(db: Queryable): Promise<void> {
  await db.query(readFileSync(new URL('./sql/schema.sql', import.meta.url), 'utf8'));
  await db.query(sql.create_index);
}

/**
 * Writes the sample campus and its ground truth, if all five tables are empty. It is one transaction, so that an
 * interrupted run leaves the database empty, and the next start begins again.
 */
export function seedCampus(db: Database, options: SeedOptions): Promise<SeedResult> {
  const started = performance.now();
  return db.transaction(async (tx) => {
    await tx.query(sql.lock_campus);
    await createStoryTable(tx);
    const [answer] = await tx.query<{ empty: boolean }>(sql.is_empty);
    const rows = { students: 0, courses: 0, enrollments: 0, grades: 0, activity_logs: 0 };
    if (answer?.empty === true) {
      const campus = planCampus(options.seed, localMillis(options.now, options.timeZone), options.students);
      await write(tx, campus, rows, options.onProgress ?? (() => {}));
    }
    return { seeded: answer?.empty === true, rows, seconds: (performance.now() - started) / 1000 };
  });
}

async function write(
  tx: Queryable,
  campus: Campus,
  rows: Record<SourceTable, number>,
  onProgress: (progress: SeedProgress) => void,
): Promise<void> {
  await insertStudents(tx, campus.students);
  await insertCourses(tx, campus.courses);
  await insertEnrollments(tx, campus.enrollments);
  await replaceStories(tx, campus.stories);
  rows.students = campus.students.length;
  rows.courses = campus.courses.length;
  rows.enrollments = campus.enrollments.length;
  let told = 0;
  for (const batch of historyBatches(campus)) {
    await insertActivities(tx, batch.activities);
    await insertGrades(tx, batch.grades);
    rows.activity_logs += batch.activities.length;
    rows.grades += batch.grades.length;
    told += batch.keys;
    const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
    onProgress({ rows: total, share: told / campus.enrollments.length });
  }
}

interface Batch {
  readonly keys: number;
  readonly activities: readonly ActivityRow[];
  readonly grades: readonly GradeRow[];
}

/** Generated batch by batch, so that the history is never in memory as a whole and the event loop is not blocked for long. */
function* historyBatches(campus: Campus): Generator<Batch> {
  let batch = { keys: 0, activities: [] as ActivityRow[], grades: [] as GradeRow[] };
  for (const key of byCourse(campus.enrollments)) {
    const history = keyHistory(campus, key);
    batch.keys += 1;
    for (const activity of history.activities) batch.activities.push(activity);
    for (const grade of history.grades) batch.grades.push(grade);
    if (batch.activities.length < ROWS_PER_STATEMENT - 500) continue;
    yield batch;
    batch = { keys: 0, activities: [], grades: [] };
  }
  if (batch.keys > 0) yield batch;
}

/** Sorted so that a course's rows lie together on disk, which makes reading one course cheap. */
const byCourse = (enrollments: readonly Enrollment[]): Enrollment[] =>
  [...enrollments].sort((a, b) => a.course.externalId.localeCompare(b.course.externalId, 'en'));
