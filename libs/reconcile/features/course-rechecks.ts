import type { KeyEvidence } from '#libs/aggregate/evidence.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import { CourseSums } from '#libs/families/course-sums.ts';
import { pause } from '#libs/platform/retry.ts';
import type { CourseState } from '#libs/store/keys/keys.ts';
import {
  COURSE_PLACES,
  type CourseComparison,
  compareCourses,
  courseFindings,
  coursesAtRest,
  isStale,
  markCourses,
  stateOf,
} from './courses.ts';
import type { ReconcileRun } from './repairs.ts';

interface CourseRecheck {
  /** From when the course was found to be wrong; undefined: nothing was known about it then. */
  readonly comparison: CourseComparison | undefined;
  readonly sums: CourseSums;
  /** False once a key could not be judged: then what the keys add up to is unknown. */
  isComplete: boolean;
}

export interface CourseCount {
  compared: number;
  left: number;
  skipped: number;
}

/**
 * The courses, and among them those whose stored row is wrong or missing. All keys of such a course would look wrong, so
 * these courses are found first, and their keys are judged by what the keys themselves add up to.
 */
export class CourseRechecks {
  readonly #run: ReconcileRun;
  readonly #rechecks = new Map<number, CourseRecheck>();
  #comparisons: readonly CourseComparison[] = [];

  constructor(run: ReconcileRun) {
    this.#run = run;
  }

  async find(courseId: number | undefined): Promise<void> {
    const { context, timing } = this.#run;
    context.progress({ phase: 'comparing courses', done: 0, total: null });
    this.#comparisons = await compareCourses(this.#run, courseId === undefined ? null : [courseId]);
    const stale = this.#comparisons.filter(isStale).map((comparison) => comparison.courseId);
    if (stale.length === 0) return;
    await pause(timing.lookEveryMs, context.signal);
    for (const comparison of await compareCourses(this.#run, stale))
      if (isStale(comparison)) this.#add(comparison.courseId, comparison);
  }

  has(courseId: number): boolean {
    return this.#rechecks.has(courseId);
  }

  /** Adds a course for which a key found no row. */
  addUnknown(courseId: number): void {
    if (!this.has(courseId))
      this.#add(
        courseId,
        this.#comparisons.find((comparison) => comparison.courseId === courseId),
      );
  }

  /** Adds a key's evidence about its course. */
  addEvidence(key: StudentCourse, evidence: KeyEvidence): void {
    this.#rechecks.get(key.courseId)?.sums.add(evidence);
  }

  /** Notes that this key could not be judged. */
  markIncomplete(key: StudentCourse): void {
    const recheck = this.#rechecks.get(key.courseId);
    if (recheck !== undefined) recheck.isComplete = false;
  }

  /** The wrong courses, for judging keys before it is known what these add up to. */
  get unknown(): Map<number, null> {
    return new Map([...this.#rechecks.keys()].map((courseId) => [courseId, null]));
  }

  /** The wrong courses as their keys add up; null where that is unknown. */
  get states(): Map<number, CourseState | null> {
    return new Map(
      [...this.#rechecks].map(([courseId, { comparison, sums, isComplete }]) => [
        courseId,
        isComplete && comparison !== undefined ? stateOf(courseId, sums.facts(comparison.today)) : null,
      ]),
    );
  }

  /** Counts all courses and has the wrong ones repaired; to be called once the keys' evidence is right. */
  async settle(): Promise<CourseCount> {
    const count: CourseCount = { compared: 0, left: 0, skipped: 0 };
    const unclear = this.#comparisons.filter((comparison) => comparison.waits && !this.has(comparison.courseId));
    const clear =
      unclear.length === 0
        ? []
        : await coursesAtRest(
            this.#run,
            unclear.map(({ courseId }) => courseId),
          );
    for (const comparison of [...clear, ...this.#comparisons.filter(({ waits }) => !waits)]) {
      if (this.has(comparison.courseId)) continue;
      if (comparison.waits) count.skipped += 1;
      else if (isStale(comparison)) this.#add(comparison.courseId, comparison).isComplete = false;
      else if (comparison.stored !== null) this.#countEqual(count, new Set());
    }
    if (this.#rechecks.size > 0) await this.#repair(count);
    return count;
  }

  async #repair(count: CourseCount): Promise<void> {
    const { ledger, context } = this.#run;
    const ids = [...this.#rechecks.keys()];
    if (!context.dryRun) await markCourses(this.#run, ids);
    const comparisons = context.dryRun ? await compareCourses(this.#run, ids) : await coursesAtRest(this.#run, ids);
    for (const now of comparisons) {
      const recheck = this.#rechecks.get(now.courseId);
      if (recheck === undefined) continue;
      const { sums, isComplete, comparison: before = { ...now, stored: null } } = recheck;
      const isRight = !context.dryRun && !now.waits && now.stored !== null && !isStale(now);
      const wanted = isRight ? now.stored : isComplete ? sums.facts(before.today) : now.said;
      if (wanted === null) continue;
      const findings = courseFindings(before, wanted);
      ledger.note(findings);
      if (isRight) ledger.repaired(findings);
      else if (findings.length > 0) count.left += 1;
      this.#countEqual(count, new Set(findings.map(({ where }) => where)));
    }
  }

  #countEqual(count: CourseCount, differing: ReadonlySet<string>): void {
    count.compared += 1;
    for (const where of COURSE_PLACES) if (!differing.has(where)) this.#run.ledger.equal(where);
  }

  #add(courseId: number, comparison: CourseComparison | undefined): CourseRecheck {
    const recheck: CourseRecheck = { comparison, sums: new CourseSums(), isComplete: true };
    this.#rechecks.set(courseId, recheck);
    return recheck;
  }
}
