import { COVERAGE_KINDS, type FirstDays, NO_FIRST_DAYS } from '#libs/aggregate/coverage.ts';
import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import type { ClassDigest } from '#libs/derive/attention/class-digest.ts';
import type { Family, StudentCourse } from '#libs/domain/family.ts';
import { type LocalDay, parseDay } from '#libs/domain/local-date.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { arrayText } from '../arrays.ts';
import { coursesAndStudents, type KeyRow, toKey } from '../images/key-rows.ts';
import { commitDate, MARK_PRIORITIES, type MarkOrigin, type MarkPriority, type NewRows } from './marks.ts';
import { keySql } from './statements.ts';

/** A key's row as its last derivation left it. */
export interface KeyState extends StudentCourse {
  readonly derived: boolean;
  readonly evidence: KeyEvidence;
  /** Its folded rows, for {@link parseKept}; null: none were kept. */
  readonly folded: string | null;
  /** Digest of what its course's class uses of it; null: nothing. */
  readonly ofClass: ClassDigest | null;
}

/** A key whose lock is held. */
export interface ClaimedKey extends KeyState {
  /** The process that keeps its rows, as of the key's last derivation; null: none does. */
  readonly owner: string | null;
  /** Whether its last derivation failed. */
  readonly isSetAside: boolean;
}

/** The origin and new rows of a key, from the marks that a derivation took. */
export interface TakenMark extends StudentCourse, MarkOrigin {
  readonly newRows: NewRows;
}

/** What is known of a course when one of its keys is derived. */
export interface CourseState {
  readonly courseId: number;
  /** 0: nothing is known yet. */
  readonly version: number;
  readonly coveredFrom: FirstDays;
  readonly firstFact: LocalDay | null;
  readonly asOf: LocalDay;
}

export const keyName = (key: StudentCourse): string => `${key.courseId} ${key.studentId}`;

/** SQL over the keys of a course: the least first day of each kind; arrays begin with 1. Null if no key has any. */
export const LEAST_FIRST_DAYS = `CASE WHEN count(first_days) > 0
    THEN ARRAY[${COVERAGE_KINDS.map((_, index) => `min(first_days[${index + 1}])`).join(', ')}] END`;

/** Where the search for marked keys continues, per priority, so that each key gets its turn. */
export class KeyCursor {
  readonly #last = new Map<MarkPriority, StudentCourse>();

  after(priority: MarkPriority): StudentCourse {
    return this.#last.get(priority) ?? { courseId: 0, studentId: 0 };
  }

  moveTo(priority: MarkPriority, key: StudentCourse | undefined): void {
    if (key !== undefined) this.#last.set(priority, key);
  }
}

/** A key with marks; `known`: it has a row in `state.key`. */
export interface MarkedKey extends StudentCourse {
  readonly known: boolean;
}

/** The next keys with marks of one priority. */
export interface NextKeys {
  readonly priority: MarkPriority;
  readonly keys: readonly MarkedKey[];
}

/** The next marked keys, each once per priority, at most `limit`, the most urgent first; none while a snapshot is read. */
export async function nextKeys(db: Database, family: Family, limit: number, cursor: KeyCursor): Promise<NextKeys[]> {
  const after = MARK_PRIORITIES.map((priority) => cursor.after(priority));
  const rows = await db.query<KeyRow & { priority: MarkPriority; known: boolean }>(keySql.keys_next, [
    family,
    limit,
    MARK_PRIORITIES,
    ...coursesAndStudents(after),
  ]);
  return MARK_PRIORITIES.map((priority) => ({
    priority,
    keys: rows.filter((row) => row.priority === priority).map((row) => ({ ...toKey(row), known: row.known })),
  })).filter(({ keys }) => keys.length > 0);
}

/** Adds the row of keys seen for the first time, which is what a deriver locks. @returns how many had none */
export async function addKeys(db: Queryable, family: Family, keys: readonly StudentCourse[]): Promise<number> {
  if (keys.length === 0) return 0;
  return (await db.query(keySql.keys_add, [family, ...coursesAndStudents(keys)])).length;
}

/** The keys of a course that have a row or a mark, by family. */
export async function readCourseKeys(
  db: Queryable,
  courseId: number,
  families: readonly Family[],
): Promise<ReadonlyMap<Family, readonly StudentCourse[]>> {
  const rows = await db.query<KeyRow & { family: Family }>(keySql.course_keys, [courseId, families]);
  return new Map(families.map((family) => [family, rows.filter((row) => row.family === family).map(toKey)]));
}

interface EvidenceColumns {
  readonly first_days: FirstDays | null;
  readonly first_fact: number | null;
  readonly last_fact: number | null;
  readonly first_day: number | null;
  readonly next_day: number | null;
}

interface ClaimedRow extends KeyRow, EvidenceColumns {
  readonly derived: boolean;
  readonly folded: string | null;
  readonly owner: string | null;
  readonly set_aside: boolean;
  readonly class_day: number | null;
  readonly class_before: bigint | null;
  readonly class_all: bigint | null;
}

/** Locks up to `limit` of the keys, without those that another deriver holds. */
export async function claimKeys(
  tx: Queryable,
  family: Family,
  keys: readonly StudentCourse[],
  limit: number,
): Promise<ClaimedKey[]> {
  const rows = await tx.query<ClaimedRow>(keySql.keys_claim, [family, ...coursesAndStudents(keys), limit]);
  return rows.map((row) => ({
    ...toKey(row),
    derived: row.derived,
    evidence: toEvidence(row),
    folded: row.folded,
    owner: row.owner,
    isSetAside: row.set_aside,
    ofClass: toDigest(row),
  }));
}

const toDigest = ({ class_day: day, class_before: before, class_all: all }: ClaimedRow): ClassDigest | null =>
  day === null || before === null || all === null ? null : { day, before, all };

const toEvidence = (row: EvidenceColumns): KeyEvidence => ({
  firstDays: row.first_days ?? NO_FIRST_DAYS,
  firstFact: row.first_fact,
  lastFact: row.last_fact,
  firstDay: row.first_day,
  nextDay: row.next_day,
});

/** A key's current row, and whether it is about to change. */
export interface KeyOutlook {
  /** The key has a row. */
  readonly known: boolean;
  readonly derived: boolean;
  readonly evidence: KeyEvidence;
  /** Something is waiting that will have the key derived again. */
  readonly waits: boolean;
}

/** The outlook of each key, in the order of `keys`. */
export async function readOutlooks(
  tx: Queryable,
  family: Family,
  keys: readonly StudentCourse[],
): Promise<KeyOutlook[]> {
  const values = [family, ...coursesAndStudents(keys)];
  const rows = await tx.query<EvidenceColumns & Omit<KeyOutlook, 'evidence'>>(keySql.reconcile_keys, values);
  return rows.map((row) => ({
    known: row.known,
    derived: row.derived,
    waits: row.waits,
    evidence: toEvidence(row),
  }));
}

/** The first days that another family sees for these keys, by key name. */
export async function readFirstDays(
  tx: Queryable,
  family: Family,
  keys: readonly StudentCourse[],
): Promise<Map<string, LocalDay>> {
  const rows = await tx.query<KeyRow & { first_day: number }>(keySql.keys_first_days, [
    family,
    ...coursesAndStudents(keys),
  ]);
  return new Map(rows.map((row) => [keyName(toKey(row)), row.first_day]));
}

/** The origin of a mark as a database row. */
export interface OriginRow {
  readonly epoch: number | null;
  readonly lsn: bigint | null;
  readonly committed_at: Date | null;
  readonly awaited: boolean;
}

export const toOrigin = ({ epoch, lsn, committed_at: committedAt, awaited }: OriginRow): MarkOrigin => ({
  position: epoch === null || lsn === null ? null : { epoch, lsn },
  committedAt: committedAt?.getTime() ?? null,
  awaited,
});

interface TakenRow extends KeyRow, OriginRow {
  readonly are_named: boolean;
  /** Their ids, separated by spaces; null: none. */
  readonly new_rows: string | null;
}

/** Deletes every visible mark of the claimed keys. What the marks are about has to be read in a later statement. */
export async function takeMarks(tx: Queryable, family: Family, keys: readonly StudentCourse[]): Promise<TakenMark[]> {
  const rows = await tx.query<TakenRow>(keySql.key_marks_take, [family, ...coursesAndStudents(keys)]);
  return rows.map((row) => ({
    ...toKey(row),
    ...toOrigin(row),
    newRows: row.are_named ? (row.new_rows?.split(' ') ?? []) : null,
  }));
}

/**
 * Stores the state of derived keys: what they say of their course, their folded rows and their owner.
 * @param owner the process that keeps their rows from now on; null: none does
 */
export async function updateKeys(
  tx: Queryable,
  family: Family,
  keys: readonly KeyState[],
  owner: string | null,
): Promise<void> {
  if (keys.length === 0) return;
  await tx.query(keySql.keys_update, [
    family,
    ...coursesAndStudents(keys),
    keys.map((key) => arrayText(key.evidence.firstDays)),
    keys.map((key) => key.evidence.firstFact),
    keys.map((key) => key.evidence.lastFact),
    keys.map((key) => key.evidence.firstDay),
    keys.map((key) => key.evidence.nextDay),
    keys.map((key) => key.folded),
    owner,
    keys.map((key) => key.ofClass?.day ?? null),
    keys.map((key) => key.ofClass?.before ?? null),
    keys.map((key) => key.ofClass?.all ?? null),
  ]);
}

/** A key's request to the course deriver. */
export interface CourseMark extends StudentCourse, MarkOrigin {
  /** The version of the course that the key was derived with. */
  readonly version: number;
  /** It asks for the class only, because what the class follows from has changed. */
  readonly ofClass: boolean;
}

/** Asks the course deriver to derive the marks' courses. */
export async function addCourseMarks(tx: Queryable, family: Family, marks: readonly CourseMark[]): Promise<void> {
  if (marks.length === 0) return;
  await tx.query(keySql.course_marks_add, [
    family,
    ...coursesAndStudents(marks),
    marks.map((mark) => mark.version),
    marks.map((mark) => mark.position?.epoch ?? null),
    marks.map((mark) => mark.position?.lsn ?? null),
    marks.map(commitDate),
    marks.map((mark) => mark.awaited),
    marks.map((mark) => mark.ofClass),
  ]);
}

/** Marks every course; if `awaited`, its class as well. */
export async function markAllCourses(tx: Queryable, awaited: boolean): Promise<void> {
  await tx.query(keySql.course_marks_all, [awaited]);
}

interface CourseRow {
  readonly course_id: number;
  readonly version: bigint;
  readonly covered_from: FirstDays;
  readonly first_fact: number | null;
  readonly as_of: string;
}

/** Courses of which nothing is known and a snapshot brought keys of these families; none while a snapshot is read. */
export async function readNewCourses(db: Queryable, families: readonly Family[]): Promise<number[]> {
  const rows = await db.query<Pick<CourseRow, 'course_id'>>(keySql.courses_new, [families]);
  return rows.map((row) => row.course_id);
}

/** Adds the row of courses seen for the first time. */
export async function addCourses(db: Queryable, courseIds: readonly number[]): Promise<void> {
  await db.query(keySql.courses_add, [courseIds, NO_FIRST_DAYS]);
}

/** Locks the row of a course. @returns true if nothing is known of it yet and nobody else holds it */
export async function claimNewCourse(tx: Queryable, courseId: number): Promise<boolean> {
  const rows = await tx.query<CourseRow>(keySql.courses_claim, [[courseId]]);
  return rows.some(({ version }) => version === 0n);
}

export async function readCourses(tx: Queryable, courseIds: readonly number[]): Promise<Map<number, CourseState>> {
  const rows = await tx.query<CourseRow>(keySql.courses_read, [courseIds]);
  return new Map(
    rows.map((row) => [
      row.course_id,
      {
        courseId: row.course_id,
        version: Number(row.version),
        coveredFrom: row.covered_from,
        firstFact: row.first_fact,
        asOf: parseDay(row.as_of),
      },
    ]),
  );
}
