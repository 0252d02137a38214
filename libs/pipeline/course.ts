import { type FirstDays, NO_FIRST_DAYS, sameFirstDays } from '#libs/aggregate/coverage.ts';
import { FAMILIES, type Family } from '#libs/domain/family.ts';
import { formatDay, type LocalDay, parseDay } from '#libs/domain/local-date.ts';
import { ROW_FAMILIES } from '#libs/domain/source-tables/index.ts';
import { courseAsOf } from '#libs/families/course-as-of.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { readTodayToWrite, shareCalendar } from '#libs/store/keys/calendar.ts';
import { LEAST_FIRST_DAYS, type OriginRow, toOrigin } from '#libs/store/keys/keys.ts';
import { MARK_PRIORITY, MarkSet, NO_NEW_ROWS } from '#libs/store/keys/marks.ts';
import { fillKeyTemplate, keySql } from '#libs/store/keys/statements.ts';

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
  /** What was read may be that of a key that readiness waits for. */
  readonly awaited: boolean;
}

interface CourseMarkRow extends OriginRow {
  readonly course_id: number;
  readonly family: Family | null;
  readonly student_id: number | null;
  readonly course_version: bigint | null;
}

export interface CourseResult {
  readonly courses: number;
  /** Courses whose coverage, facts or as-of moved, and all of whose keys are therefore marked. */
  readonly moved: number;
  /** Single keys marked because they were derived for an older version of their course. */
  readonly keysMarked: number;
  /** Courses of a snapshot of which more is to come. */
  readonly waiting: number;
}

/**
 * Derives the courses that are marked: what their keys add up to, read under the course's lock in a later statement than
 * the deletion of its marks. When it moved, every key of the course is marked; else those alone that were derived with an
 * older version, which are the keys that were too new to be seen when it moved.
 * @param isPatient leaves courses that a snapshot brought until all of their keys have been looked at
 */
export async function deriveCourses(
  db: Database,
  settings: FeatureSettings,
  limit: number,
  isPatient = false,
): Promise<CourseResult> {
  const next = await db.query<{ course_id: number; waits: boolean }>(keySql.courses_next, [limit, ROW_FAMILIES]);
  const waiting = next.filter(({ waits }) => waits).length;
  const ids = next.filter(({ waits }) => !waits || !isPatient).map((row) => row.course_id);
  if (ids.length === 0) return { courses: 0, moved: 0, keysMarked: 0, waiting };
  await db.query(keySql.courses_add, [ids, NO_FIRST_DAYS]);
  return db.transaction(async (tx) => {
    await shareCalendar(tx);
    const claimed = await tx.query<CourseRow>(keySql.courses_claim, [ids]);
    const claimedIds = claimed.map((course) => course.course_id);
    const marks = await tx.query<CourseMarkRow>(keySql.course_marks_take, [claimedIds]);
    const today = await readTodayToWrite(tx, settings.fingerprint);
    const evidence = new Map(
      (await tx.query<EvidenceRow>(COURSE_EVIDENCE, [claimedIds])).map((row) => [row.course_id, row]),
    );
    const awaited = new Set(marks.filter((mark) => mark.awaited).map((mark) => mark.course_id));
    const moved = new Set<number>();
    for (const course of claimed) {
      const { course_id: id } = course;
      const said = evidence.get(id);
      if (await updateCourse(tx, course, said, today, awaited.has(id) || said?.awaited === true)) moved.add(id);
    }
    const stale = await markStaleKeys(tx, claimed, marks, moved);
    return { courses: claimed.length, moved: moved.size, keysMarked: stale, waiting };
  });
}

async function updateCourse(
  tx: Queryable,
  before: CourseRow,
  evidence: EvidenceRow | undefined,
  today: LocalDay,
  awaited: boolean,
): Promise<boolean> {
  const coveredFrom = evidence?.covered_from ?? NO_FIRST_DAYS;
  const firstFact = evidence?.first_fact ?? null;
  const lastFact = evidence?.last_fact ?? null;
  const asOf = courseAsOf(lastFact, today);
  // The last fact as it is kept may be behind within the days that lead to the same as-of, and no further.
  const isLastFactAlike = asOf === parseDay(before.as_of) && asOf === courseAsOf(before.last_fact, today);
  const isCoveredAlike = before.version > 0n && sameFirstDays(coveredFrom, before.covered_from);
  if (isCoveredAlike && isLastFactAlike && firstFact === before.first_fact) return false;
  await tx.query(keySql.course_update, [before.course_id, coveredFrom, firstFact, lastFact, formatDay(asOf)]);
  // Days and first facts reach flags through the rows that are derived again; only coverage they read here, too.
  const families = isCoveredAlike ? ROW_FAMILIES : FAMILIES;
  await tx.query(keySql.course_mark_keys, [before.course_id, families, awaited]);
  return true;
}

async function markStaleKeys(
  tx: Queryable,
  claimed: readonly CourseRow[],
  marks: readonly CourseMarkRow[],
  moved: ReadonlySet<number>,
): Promise<number> {
  const versions = new Map(
    claimed.map((course) => [course.course_id, course.version + (moved.has(course.course_id) ? 1n : 0n)]),
  );
  const stale = new MarkSet();
  for (const mark of marks) {
    const { course_id: courseId, family, student_id: studentId, course_version: version } = mark;
    if (family === null || studentId === null || version === null || version >= (versions.get(courseId) ?? 0n))
      continue;
    stale.add(family, { courseId, studentId }, toOrigin(mark), NO_NEW_ROWS);
  }
  await stale.write(tx, MARK_PRIORITY.bulk);
  return stale.size;
}
