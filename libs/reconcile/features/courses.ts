import { COVERAGE_KINDS, type FirstDays, NO_FIRST_DAYS, sameFirstDays } from '#libs/aggregate/coverage.ts';
import { FAMILIES } from '#libs/domain/family.ts';
import { formatDay, type LocalDay, parseDay } from '#libs/domain/local-date.ts';
import { courseAsOf } from '#libs/families/course-as-of.ts';
import type { CourseFacts } from '#libs/families/course-sums.ts';
import { pause } from '#libs/platform/retry.ts';
import { type CourseState, LEAST_FIRST_DAYS } from '#libs/store/keys/keys.ts';
import { fillKeyTemplate, keySql } from '#libs/store/keys/statements.ts';
import { type Discrepancy, KINDS } from '../verdict.ts';
import { wholeRow } from './compare.ts';
import { type ReconcileRun, wakeDerivers } from './repairs.ts';

export interface CourseComparison {
  readonly courseId: number;
  /** Something is waiting that may change the course. */
  readonly waits: boolean;
  /** Null: it has no row, or one that was never derived. */
  readonly stored: (CourseFacts & { readonly version: number }) | null;
  /** What the stored keys add up to; null: the course has none. */
  readonly said: CourseFacts | null;
  readonly today: LocalDay;
}

interface CourseRow {
  readonly course_id: number;
  readonly version: bigint | null;
  readonly covered_from: FirstDays | null;
  readonly first_fact: number | null;
  readonly last_fact: number | null;
  readonly as_of: string | null;
  readonly today: string;
  readonly keys: bigint;
  readonly said_first_fact: number | null;
  readonly said_last_fact: number | null;
  readonly said_covered_from: FirstDays | null;
  readonly waits: boolean;
}

const RECONCILE_COURSES = fillKeyTemplate('reconcile_courses', 'keys', { leastDays: LEAST_FIRST_DAYS });
const COURSES_PER_LOOK = 100;

/** Every course, or these: its stored row and what its keys add up to, read at the same moment. */
export async function compareCourses(
  { db, context }: ReconcileRun,
  courseIds: readonly number[] | null,
): Promise<CourseComparison[]> {
  const comparisons: CourseComparison[] = [];
  for (let after = 0; ; ) {
    context.signal.throwIfAborted();
    const values = [after, courseIds === null ? null : [...courseIds], COURSES_PER_LOOK, [...FAMILIES]];
    const rows = await db.query<CourseRow>(RECONCILE_COURSES, values);
    comparisons.push(...rows.map(toComparison));
    after = rows.at(-1)?.course_id ?? after;
    if (rows.length < COURSES_PER_LOOK) return comparisons;
  }
}

function toComparison(row: CourseRow): CourseComparison {
  const today = parseDay(row.today);
  const stored =
    row.version === null || row.version === 0n || row.as_of === null
      ? null
      : {
          version: Number(row.version),
          coveredFrom: row.covered_from ?? NO_FIRST_DAYS,
          firstFact: row.first_fact,
          lastFact: row.last_fact,
          asOf: parseDay(row.as_of),
        };
  const hasNothing = row.keys === 0n && row.version === null;
  const said = hasNothing
    ? null
    : {
        coveredFrom: row.said_covered_from ?? NO_FIRST_DAYS,
        firstFact: row.said_first_fact,
        lastFact: row.said_last_fact,
        asOf: courseAsOf(row.said_last_fact, today),
      };
  return { courseId: row.course_id, waits: row.waits, stored, said, today };
}

/** True if row and keys disagree while nothing is waiting that would change either. */
export const isStale = ({ waits, stored, said, today }: CourseComparison): boolean =>
  !waits && said !== null && (stored === null || differences(said, stored, today).length > 0);

const PLACES = ['covered_from', 'first_fact', 'last_fact', 'as_of'] as const;
type Place = (typeof PLACES)[number];
export const COURSE_PLACES: readonly string[] = PLACES.map((place) => `course.${place}`);

/** A stored last fact may lag as long as it leads to the same as-of: it is only updated together with that. */
function differences(wanted: CourseFacts, stored: CourseFacts, today: LocalDay): Place[] {
  const isSame: Readonly<Record<Place, boolean>> = {
    covered_from: sameFirstDays(wanted.coveredFrom, stored.coveredFrom),
    first_fact: wanted.firstFact === stored.firstFact,
    last_fact: courseAsOf(wanted.lastFact, today) === courseAsOf(stored.lastFact, today),
    as_of: wanted.asOf === stored.asOf,
  };
  return PLACES.filter((place) => !isSame[place]);
}

/** What is wrong with the stored row of a course, as findings. */
export function courseFindings({ courseId, stored, today }: CourseComparison, wanted: CourseFacts): Discrepancy[] {
  const key = `course ${courseId}`;
  if (stored === null) return wholeRow(COURSE_PLACES, 'missing', key, 'a row');
  return differences(wanted, stored, today).map((place) => {
    const kind = place === 'as_of' ? KINDS.asOf : KINDS.coverage;
    const example = { kind, key, expected: textOf(wanted, place), found: textOf(stored, place) };
    return { where: `course.${place}`, deviation: 'mismatched', count: 1, example };
  });
}

const dayText = (day: LocalDay | null): string => (day === null ? '-' : formatDay(day));

function textOf({ coveredFrom, firstFact, lastFact, asOf }: CourseFacts, place: Place): string {
  if (place === 'covered_from') return COVERAGE_KINDS.map((_, n) => dayText(coveredFrom[n] ?? null)).join(' ');
  return dayText({ first_fact: firstFact, last_fact: lastFact, as_of: asOf }[place]);
}

/** Asks the course deriver to look at these courses again. */
export async function markCourses(
  { db, context }: ReconcileRun,
  courseIds: readonly number[],
  ofClass = false,
): Promise<void> {
  await db.transaction(async (tx) => {
    await context.guard(tx);
    await tx.query(keySql.reconcile_course_marks, [[...courseIds], ofClass]);
  });
  await wakeDerivers(db);
}

/** Compares courses until none is waiting any more, or there was no progress until the timeout. */
export async function coursesAtRest(run: ReconcileRun, courseIds: readonly number[]): Promise<CourseComparison[]> {
  const { context, timing } = run;
  let least = Number.POSITIVE_INFINITY;
  let movedAt = performance.now();
  for (;;) {
    const comparisons = await compareCourses(run, courseIds);
    const waiting = comparisons.filter((comparison) => comparison.waits).length;
    if (waiting < least) movedAt = performance.now();
    least = Math.min(least, waiting);
    if (waiting === 0 || performance.now() - movedAt > timing.timeoutMs) return comparisons;
    context.progress({
      phase: 'waiting for courses to be derived',
      done: comparisons.length - waiting,
      total: comparisons.length,
    });
    await pause(timing.lookEveryMs, context.signal);
  }
}

/** The course to judge its keys by when its stored row is wrong. */
export const stateOf = (courseId: number, { coveredFrom, firstFact, asOf }: CourseFacts): CourseState => ({
  courseId,
  version: 1,
  coveredFrom,
  firstFact,
  asOf,
});
