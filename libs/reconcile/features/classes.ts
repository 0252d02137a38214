import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import type { ClassSettings } from '#libs/derive/settings.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { deriveClass, sameClass } from '#libs/families/course-class.ts';
import { pause } from '#libs/platform/retry.ts';
import { readClasses } from '#libs/store/features/class-table.ts';
import { readCourses } from '#libs/store/keys/keys.ts';
import { keySql } from '#libs/store/keys/statements.ts';
import { type Discrepancy, KINDS } from '../verdict.ts';
import type { CourseCount } from './course-rechecks.ts';
import { coursesAtRest, markCourses } from './courses.ts';
import type { ReconcileRun } from './repairs.ts';

const WHERE = 'course.class';

/** A class as stored, and as it follows from the stored days of its keys; null: it is marked, and will be derived. */
type ClassComparison = { readonly wanted: ClassNumbers | null; readonly stored: ClassNumbers | null } | null;

/**
 * Compares the class numbers of courses with what follows from their keys' stored days, and has those that differ derived
 * again. Runs after the keys, whose days have then been compared with what follows from the images.
 * @param courseId one course alone; undefined: all
 * @param isUncertain whether something wrong is stored for a course or its keys, and stays so: its class cannot be judged
 */
export async function reconcileClasses(
  run: ReconcileRun,
  settings: ClassSettings,
  courseId: number | undefined,
  isUncertain: (courseId: number) => boolean,
): Promise<CourseCount> {
  const count: CourseCount = { compared: 0, left: 0, skipped: 0 };
  const courses = await run.db.query<{ course_id: number }>(keySql.reconcile_class_courses, [courseId ?? null]);
  for (const [done, { course_id: id }] of courses.entries()) {
    run.context.progress({ phase: 'comparing classes', done, total: courses.length });
    const found = isUncertain(id) ? null : await compareUnmarked(run, settings, id);
    if (found === null) count.skipped += 1;
    else if (found.wanted !== null || found.stored !== null) {
      count.compared += 1;
      if (sameClass(found.wanted, found.stored)) run.ledger.equal(WHERE);
      else if (!(await repairClass(run, settings, id, found))) count.left += 1;
    }
  }
  return count;
}

/** If the class is marked, waits for it to be derived, until the timeout. */
async function compareUnmarked(run: ReconcileRun, settings: ClassSettings, courseId: number): Promise<ClassComparison> {
  const { context, timing } = run;
  for (const begun = performance.now(); ; ) {
    context.signal.throwIfAborted();
    const found = await compareClass(run, settings, courseId);
    if (found !== null || performance.now() - begun > timing.timeoutMs) return found;
    await pause(timing.lookEveryMs, context.signal);
  }
}

/**
 * Reads all in one snapshot: whatever changes what a class counts leaves a mark in the same transaction, so either a mark is
 * visible, or the stored numbers must be those that follow.
 */
const compareClass = ({ db }: ReconcileRun, settings: ClassSettings, courseId: number): Promise<ClassComparison> =>
  db.transaction(async (tx) => {
    await tx.query(keySql.reconcile_snapshot);
    const [marked] = await tx.query(keySql.course_is_marked, [courseId]);
    if (marked !== undefined) return null;
    const course = (await readCourses(tx, [courseId])).get(courseId);
    const stored = (await readClasses(tx, [courseId])).get(courseId) ?? null;
    const isKnown = course !== undefined && course.version > 0;
    return { wanted: isKnown ? await deriveClass(tx, course, settings) : null, stored };
  });

/** @returns true if nothing differs any more */
async function repairClass(
  run: ReconcileRun,
  settings: ClassSettings,
  courseId: number,
  { wanted, stored }: NonNullable<ClassComparison>,
): Promise<boolean> {
  const deviation = stored === null ? 'missing' : wanted === null ? 'extra' : 'mismatched';
  const kind = stored === null ? KINDS.missed : wanted === null ? KINDS.extra : KINDS.differs;
  const example = { kind, key: `course ${courseId}`, ...differingTexts(wanted, stored) };
  const findings: Discrepancy[] = [{ where: WHERE, deviation, count: 1, example }];
  run.ledger.note(findings);
  if (run.context.dryRun) return false;
  await markCourses(run, [courseId], true);
  // Including the keys that depend on it.
  await coursesAtRest(run, [courseId]);
  const now = await compareClass(run, settings, courseId);
  if (now === null || !sameClass(now.wanted, now.stored)) return false;
  run.ledger.repaired(findings);
  return true;
}

/** The first part in which the two differ, as on either side. */
function differingTexts(
  wanted: ClassNumbers | null,
  stored: ClassNumbers | null,
): { readonly expected: string | null; readonly found: string | null } {
  if (wanted === null || stored === null)
    return { expected: wanted && 'class numbers', found: stored && 'class numbers' };
  if (wanted.firstDay !== stored.firstDay)
    return { expected: `from ${formatDay(wanted.firstDay)}`, found: `from ${formatDay(stored.firstDay)}` };
  for (const name of ['attending', 'usual'] as const) {
    const [one, other] = [wanted[name], stored[name]];
    const at = Array.from({ length: Math.max(one.length, other.length) }, (_, n) => n).find((n) => one[n] !== other[n]);
    if (at === undefined) continue;
    const shown = (values: readonly (number | null)[]): string =>
      `${name} ${values[at] ?? '-'} on ${formatDay(wanted.firstDay + at)}`;
    return { expected: shown(one), found: shown(other) };
  }
  return { expected: 'other work or grades', found: 'these' };
}
