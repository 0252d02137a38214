import { COVERAGE_KINDS, type CourseEvidence, firstDayOf } from '#libs/aggregate/coverage.ts';
import type { Key } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Database, Queryable } from '#libs/platform/postgres/database.ts';
import { readToday, shareCalendar } from '#libs/store/calendar.ts';
import type { FeatureRow } from '#libs/store/feature-table.ts';
import {
  addCourseMarks,
  addKeys,
  type CourseMark,
  type CourseState,
  claimKeys,
  type KeyState,
  keyName,
  nextKeys,
  readCourses,
  takeMarks,
  updateKeys,
} from '#libs/store/keys.ts';
import { MARK_PRIORITIES } from '#libs/store/marks.ts';
import type { FamilyDefinition, Settings } from './families/family.ts';

/** A course that ended, or a connector that died, stops here: every window of features then still holds a fact. */
export const DAYS_AFTER_LAST_FACT = 6;

/** The day a course's features speak for. */
export const courseAsOf = (lastFact: LocalDay | null, today: LocalDay): LocalDay =>
  lastFact === null ? today : Math.min(today, lastFact + DAYS_AFTER_LAST_FACT);

export interface DeriveResult {
  /** Keys derived; 0 when there was nothing to do, or others hold what there is. */
  readonly keys: number;
  /** Feature rows that changed. */
  readonly changed: number;
  /** Marks wait that another deriver is at work on. */
  readonly contended: boolean;
  /** Marks were left for the course deriver. */
  readonly courseMarks: number;
}

const NOTHING: DeriveResult = { keys: 0, changed: 0, contended: false, courseMarks: 0 };

/**
 * Derives up to `limit` marked keys of one family, the most urgent first, in one transaction: lock the keys, delete their
 * marks, and in later statements read and write. Every image change leaves a mark, every mark is followed by a reading
 * after its deletion, and each key has one writer; so the last derivation of a key has seen all.
 */
export async function deriveBatch<R, F>(
  db: Database,
  definition: FamilyDefinition<R, F>,
  settings: Settings,
  limit: number,
): Promise<DeriveResult> {
  let contended = false;
  for (const priority of MARK_PRIORITIES) {
    // Twice the limit, so that a second deriver finds keys beyond those that the first one holds.
    const candidates = await nextKeys(db, definition.family, priority, 2 * limit);
    if (candidates.length === 0) continue;
    await addKeys(db, definition.family, candidates);
    const result = await db.transaction((tx) => deriveKeys(tx, definition, settings, candidates, limit));
    if (result.keys > 0) return result;
    contended = true;
  }
  return { ...NOTHING, contended };
}

async function deriveKeys<R, F>(
  tx: Queryable,
  definition: FamilyDefinition<R, F>,
  settings: Settings,
  candidates: readonly Key[],
  limit: number,
): Promise<DeriveResult> {
  const { family, table } = definition;
  await shareCalendar(tx);
  const claimed = await claimKeys(tx, family, candidates, limit);
  if (claimed.length === 0) return NOTHING;
  const marks = new Map((await takeMarks(tx, family, claimed)).map((mark) => [keyName(mark), mark]));
  const today = await readToday(tx);
  const courses = await readCourses(tx, [...new Set(claimed.map((key) => key.courseId))]);
  const rows = await definition.read(tx, claimed, settings.reading);

  const write: FeatureRow<F>[] = [];
  const remove: Key[] = [];
  const update: KeyState[] = [];
  const courseMarks: CourseMark[] = [];
  claimed.forEach((before, index) => {
    const keyRows = rows[index];
    if (keyRows === undefined) return;
    const key: Key = { courseId: before.courseId, studentId: before.studentId };
    const { position = null, committedAt = null } = marks.get(keyName(key)) ?? {};
    const course = courses.get(key.courseId);
    const after: KeyState = {
      ...key,
      derived: true,
      evidence: definition.evidence(keyRows, today),
      nextDay: definition.nextDay(keyRows, today),
    };
    if (!isSameState(before, after)) update.push(after);
    if (movesCourse(before, after, course, today))
      courseMarks.push({ ...key, position, committedAt, version: course?.version ?? 0 });
    // Until its course is known nothing can be said of a key; the course deriver marks it again.
    if (course === undefined || course.version === 0) return;
    const context = { today, asOf: course.asOf, coverage: course.coveredFrom };
    const features = definition.features(keyRows, context, settings.deriving);
    if (features === null) remove.push(key);
    else write.push({ ...key, features, asOf: course.asOf, position, committedAt });
  });

  const changed = await table.write(tx, write);
  const removed = await table.remove(tx, remove);
  await updateKeys(tx, family, update);
  await addCourseMarks(tx, family, courseMarks);
  return {
    keys: claimed.length,
    changed: changed.length + removed.length,
    contended: false,
    courseMarks: courseMarks.length,
  };
}

const sameDays = (a: CourseEvidence, b: CourseEvidence): boolean =>
  a.firstFact === b.firstFact &&
  COVERAGE_KINDS.every((kind) => firstDayOf(a.firstDays, kind) === firstDayOf(b.firstDays, kind));

const isSameState = (a: KeyState, b: KeyState): boolean =>
  a.derived === b.derived &&
  sameDays(a.evidence, b.evidence) &&
  a.evidence.lastFact === b.evidence.lastFact &&
  a.nextDay === b.nextDay;

/**
 * Whether the course deriver has to look again because of this key: it is new, its first days moved, its last fact fell,
 * or the course's as-of is behind what its last fact asks for. The last is judged by how things stand and not by what
 * moved, because a course can fall dormant while a fact that wakes it is not yet committed.
 */
function movesCourse(before: KeyState, after: KeyState, course: CourseState | undefined, today: LocalDay): boolean {
  if (!before.derived || course === undefined || course.version === 0) return true;
  if (!sameDays(before.evidence, after.evidence)) return true;
  const { lastFact } = after.evidence;
  if (lastFact === null) return before.evidence.lastFact !== null;
  if (before.evidence.lastFact !== null && lastFact < before.evidence.lastFact) return true;
  return course.asOf < courseAsOf(lastFact, today);
}
