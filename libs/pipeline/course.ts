import { type FirstDays, NO_FIRST_DAYS, sameFirstDays } from '#libs/aggregate/coverage.ts';
import { FAMILIES, type Family } from '#libs/domain/family.ts';
import { formatDay, type LocalDay, parseDay } from '#libs/domain/local-date.ts';
import { ROW_FAMILIES } from '#libs/domain/source-tables/index.ts';
import { courseAsOf } from '#libs/families/course-as-of.ts';
import type { CourseFacts } from '#libs/families/course-sums.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { readTodayToWrite, shareCalendar } from '#libs/store/keys/calendar.ts';
import { addCourses, LEAST_FIRST_DAYS, type OriginRow, toOrigin } from '#libs/store/keys/keys.ts';
import { MARK_PRIORITY, MarkSet, NO_NEW_ROWS } from '#libs/store/keys/marks.ts';
import { fillKeyTemplate, keySql } from '#libs/store/keys/statements.ts';
import { updateClass } from './course-class.ts';

/** The families that are derived from class numbers. */
const CLASS_FAMILIES: readonly Family[] = ['anomaly'];

const COURSE_EVIDENCE = fillKeyTemplate('course_evidence', 'keys', { leastDays: LEAST_FIRST_DAYS });

interface CourseRow {
  readonly course_id: number;
  readonly version: bigint;
  readonly covered_from: FirstDays;
  readonly first_fact: number | null;
  readonly last_fact: number | null;
  readonly as_of: string;
}

interface EvidenceRow {
  readonly course_id: number;
  readonly covered_from: FirstDays | null;
  readonly first_fact: number | null;
  readonly last_fact: number | null;
  /** The evidence may come from a key that readiness waits for. */
  readonly awaited: boolean;
}

interface CourseMarkRow extends OriginRow {
  readonly course_id: number;
  readonly family: Family | null;
  readonly student_id: number | null;
  readonly course_version: bigint | null;
  /** It asks for the class only. */
  readonly of_class: boolean;
}

/** What to leave for later; default: nothing. */
export interface LeftForLater {
  /** Courses that a snapshot brought, until all of their keys have been derived. */
  readonly newCourses?: boolean;
  /** Classes, except those of courses for which a day begins. */
  readonly classes?: boolean;
}

export interface CourseResult {
  readonly courses: number;
  /** Courses whose coverage, facts, as-of or class moved, so that all of their keys were marked. */
  readonly moved: number;
  /** Those of them for which a day has begun. */
  readonly newDays: number;
  /** Single keys marked because they were derived with an older version of their course. */
  readonly keysMarked: number;
  /** Courses of a snapshot some of whose keys are still to be derived. */
  readonly waiting: number;
}

/**
 * Derives the marked courses: what their keys add up to, read under the course's lock in a later statement than the deletion
 * of its marks. If that moved, every key of the course is marked; otherwise only those derived with an older version, which
 * were too new to be seen when it moved. The class is derived too, if the course moved or a key's days before today changed;
 * it marks the keys of the course only if its numbers differ.
 */
export async function deriveCourses(
  db: Database,
  settings: FeatureSettings,
  limit: number,
  { newCourses = false, classes = false }: LeftForLater = {},
): Promise<CourseResult> {
  const asked = [limit, ROW_FAMILIES, !classes];
  const next = await db.query<{ course_id: number; waits: boolean }>(keySql.courses_next, asked);
  const waiting = next.filter(({ waits }) => waits).length;
  const ids = next.filter(({ waits }) => !waits || !newCourses).map((row) => row.course_id);
  if (ids.length === 0) return { courses: 0, moved: 0, newDays: 0, keysMarked: 0, waiting };
  await addCourses(db, ids);
  return db.transaction(async (tx) => {
    await shareCalendar(tx);
    const claimed = await tx.query<CourseRow>(keySql.courses_claim, [ids]);
    const claimedIds = claimed.map((course) => course.course_id);
    const rested = classes ? [] : await tx.query<{ course_id: number }>(keySql.courses_at_rest, [claimedIds]);
    const atRest = new Set(rested.map((row) => row.course_id));
    const marks = await tx.query<CourseMarkRow>(keySql.course_marks_take, [claimedIds, [...atRest]]);
    const today = await readTodayToWrite(tx, settings.fingerprint);
    const evidence = await readEvidence(tx, marks);
    const outcomes: CourseOutcome[] = [];
    for (const course of claimed) {
      const { course_id: id } = course;
      const own = marks.filter((mark) => mark.course_id === id);
      const said = evidence.get(id);
      outcomes.push(
        await updateCourse(tx, course, said, settings, {
          today,
          awaited: own.some((mark) => mark.awaited) || said?.awaited === true,
          isClassMarked: own.some((mark) => mark.of_class),
          isAtRest: atRest.has(id),
        }),
      );
    }
    const stale = await markStaleKeys(tx, marks, outcomes);
    return {
      courses: claimed.length,
      moved: outcomes.filter(({ isMoved, isClassMoved }) => isMoved || isClassMoved).length,
      newDays: outcomes.filter(({ isNewDay }) => isNewDay).length,
      keysMarked: stale,
      waiting,
    };
  });
}

/** The evidence of the keys, for courses with a mark that asks for it; one that asks only for the class does not need it. */
async function readEvidence(tx: Queryable, marks: readonly CourseMarkRow[]): Promise<Map<number, EvidenceRow>> {
  const asked = new Set(marks.filter((mark) => !mark.of_class).map((mark) => mark.course_id));
  const rows = asked.size === 0 ? [] : await tx.query<EvidenceRow>(COURSE_EVIDENCE, [[...asked]]);
  return new Map(rows.map((row) => [row.course_id, row]));
}

interface CourseLook {
  readonly today: LocalDay;
  readonly awaited: boolean;
  readonly isClassMarked: boolean;
  /** None of its keys waits for a reason other than news. */
  readonly isAtRest: boolean;
}

interface CourseOutcome {
  readonly courseId: number;
  readonly version: bigint;
  /** Coverage, facts or as-of. */
  readonly isMoved: boolean;
  readonly isNewDay: boolean;
  readonly isClassMoved: boolean;
}

/** @param said the evidence of its keys; undefined: it was not read, and the course counts as unmoved */
async function updateCourse(
  tx: Queryable,
  before: CourseRow,
  said: EvidenceRow | undefined,
  settings: FeatureSettings,
  look: CourseLook,
): Promise<CourseOutcome> {
  const { course_id: courseId, version } = before;
  const stored = sumOf(before, parseDay(before.as_of));
  const now = said === undefined ? stored : sumOf(said, courseAsOf(said.last_fact, look.today));
  const isCoveredAlike = version > 0n && sameFirstDays(now.coveredFrom, stored.coveredFrom);
  const isMoved = said !== undefined && !(isCoveredAlike && isSameSpan(now, stored, look.today));
  if (isMoved) await writeCourse(tx, courseId, now);
  const isNewDay = version > 0n && now.asOf > stored.asOf && now.asOf === look.today;
  let isClassMoved = false;
  if (isMoved || look.isClassMarked) {
    if (look.isAtRest || isNewDay)
      isClassMoved = await updateClass(tx, { courseId, ...now }, settings.deriving, now.asOf !== stored.asOf);
    else await tx.query(keySql.course_mark_class, [courseId, look.awaited]);
  }
  // Days and first facts reach the flags through the rows derived again; coverage and class the flags read themselves.
  const families = isMoved ? (isCoveredAlike && !isClassMoved ? ROW_FAMILIES : FAMILIES) : CLASS_FAMILIES;
  if (isMoved || isClassMoved) await tx.query(keySql.course_mark_keys, [courseId, families, look.awaited]);
  return { courseId, version, isMoved, isNewDay, isClassMoved };
}

/** To be called by the holder of the course's row. */
export async function writeCourse(
  tx: Queryable,
  courseId: number,
  { coveredFrom, firstFact, lastFact, asOf }: CourseFacts,
): Promise<void> {
  await tx.query(keySql.course_update, [courseId, coveredFrom, firstFact, lastFact, formatDay(asOf)]);
}

const sumOf = (
  { covered_from, first_fact, last_fact }: Pick<EvidenceRow, 'covered_from' | 'first_fact' | 'last_fact'>,
  asOf: LocalDay,
): CourseFacts => ({
  coveredFrom: covered_from ?? NO_FIRST_DAYS,
  firstFact: first_fact,
  lastFact: last_fact,
  asOf,
});

/** The stored last fact may be behind, but only as far as it leads to the same as-of. */
const isSameSpan = (now: CourseFacts, stored: CourseFacts, today: LocalDay): boolean =>
  now.firstFact === stored.firstFact && now.asOf === stored.asOf && now.asOf === courseAsOf(stored.lastFact, today);

async function markStaleKeys(
  tx: Queryable,
  marks: readonly CourseMarkRow[],
  outcomes: readonly CourseOutcome[],
): Promise<number> {
  const known = new Map(outcomes.map((outcome) => [outcome.courseId, outcome]));
  // A key that was news stays news: marked as bulk it would wait, at midnight, for all the other keys of its course.
  const [news, others] = [new MarkSet(), new MarkSet()];
  for (const mark of marks) {
    const { course_id: courseId, family, student_id: studentId, course_version: version } = mark;
    const course = known.get(courseId);
    if (family === null || studentId === null || version === null || course === undefined) continue;
    const isOutdated = course.isMoved || (course.isClassMoved && CLASS_FAMILIES.includes(family));
    if (version < course.version + (isOutdated ? 1n : 0n))
      (mark.committed_at === null ? others : news).add(family, { courseId, studentId }, toOrigin(mark), NO_NEW_ROWS);
  }
  await news.write(tx, MARK_PRIORITY.live);
  await others.write(tx, MARK_PRIORITY.bulk);
  return news.size + others.size;
}
