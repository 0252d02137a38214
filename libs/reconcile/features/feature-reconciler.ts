import type { ClassSettings } from '#libs/derive/settings.ts';
import type { StudentCourse } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { RunScope } from '#libs/domain/run.ts';
import { keyName } from '#libs/store/keys/keys.ts';
import { keySql } from '#libs/store/keys/statements.ts';
import { reconcileClasses } from './classes.ts';
import { isOfEvidence } from './compare.ts';
import { type CourseCount, CourseRechecks } from './course-rechecks.ts';
import { type ComparisonScope, type FamilyReconciliation, inFamily, type KeyComparison } from './family.ts';
import { KEYS_PER_COMPARISON, type ReconcileRun, Repairs, untilAtRest } from './repairs.ts';
import { studentRanges } from './scope.ts';

export interface FeatureReconcileResult {
  /** Keys, by family, and courses. */
  readonly compared: number;
  /** Of these, those that still differ at the end. */
  readonly left: number;
  /** Those that kept waiting for their deriver, or could not be judged without the rest of their course. */
  readonly skipped: number;
}

/**
 * Compares every stored feature, day, piece of evidence and course with what follows from the images, and has the derivers
 * repair what differs.
 *
 * Keys are compared before any repair that would have them derived again: a course that changes marks all its keys, and
 * their faults would vanish uncounted. So the keys' evidence about their courses is repaired last, then the courses, then
 * the keys of these.
 */
export const reconcileFeatures = (
  run: ReconcileRun,
  reconciliations: readonly FamilyReconciliation[],
  scope: RunScope,
  settings: ClassSettings,
): Promise<FeatureReconcileResult> => new FeatureReconciler(run, reconciliations, scope, settings).run();

/** At most this many keys are held back; further ones are repaired at once. */
const MOST_HELD_BACK = 20_000;

/** The state of one family's comparison. */
interface FamilyState {
  readonly reconciliation: FamilyReconciliation;
  /** Differing keys whose evidence about their course is wrong in this or an earlier family; repaired later. */
  readonly heldBack: KeyComparison[];
  /** Keys whose features are judged once the right row of their course is known. */
  readonly deferred: StudentCourse[];
  /** Those of the deferred that differ: they are repaired once their courses are. */
  readonly late: KeyComparison[];
  /** Keys that depend on what another family has stored wrongly: they are judged once that is repaired. */
  readonly afterwards: StudentCourse[];
}

class FeatureReconciler {
  readonly #run: ReconcileRun;
  readonly #families: readonly FamilyState[];
  readonly #scope: RunScope;
  readonly #settings: ClassSettings;
  readonly #rechecks: CourseRechecks;
  /** The right first days of keys that have a wrong one. */
  readonly #firstDays = new Map<string, LocalDay | null>();
  /** Keys with wrong evidence about their course, in any family. */
  readonly #affected = new Set<string>();
  /** Keys that depend on something another family has stored wrongly; by {@link inFamily} of the dependent family. */
  readonly #uncertain = new Set<string>();
  /** Courses of these keys. */
  readonly #differing = new Set<number>();
  #compared = 0;
  #left = 0;
  #skipped = 0;

  constructor(
    run: ReconcileRun,
    reconciliations: readonly FamilyReconciliation[],
    scope: RunScope,
    settings: ClassSettings,
  ) {
    this.#settings = settings;
    this.#run = run;
    this.#families = reconciliations.map((reconciliation) => ({
      reconciliation,
      heldBack: [],
      deferred: [],
      late: [],
      afterwards: [],
    }));
    this.#scope = scope;
    this.#rechecks = new CourseRechecks(run);
  }

  async run(): Promise<FeatureReconcileResult> {
    await this.#rechecks.find(this.#scope.courseId);
    for (const family of this.#families) await this.#compare(family);
    for (const family of this.#families) await this.#compareDeferred(family);
    for (const { reconciliation, heldBack } of this.#families) await this.#repair(reconciliation, heldBack);
    if (this.#scope.studentId === undefined) this.#count(await this.#rechecks.settle());
    for (const { reconciliation, late } of this.#families) await this.#repair(reconciliation, late);
    // Classes come after the keys they depend on, and before the keys whose flags depend on them.
    if (this.#scope.studentId === undefined)
      this.#count(
        await reconcileClasses(
          this.#run,
          this.#settings,
          this.#scope.courseId,
          (id) => this.#run.context.dryRun && (this.#differing.has(id) || this.#rechecks.has(id)),
        ),
      );
    for (const family of this.#families) await this.#compareAfterwards(family);
    return { compared: this.#compared, left: this.#left, skipped: this.#skipped };
  }

  #count({ compared, left, skipped }: CourseCount): void {
    this.#compared += compared;
    this.#left += left;
    this.#skipped += skipped;
  }

  /** Compares every key of a family, and repairs those that differ unless they are held back. */
  async #compare(family: FamilyState): Promise<void> {
    const { db, context } = this.#run;
    const { reconciliation } = family;
    const within: ComparisonScope = { days: this.#scope, courses: this.#rechecks.unknown, firstDays: this.#firstDays };
    const repairs = new Repairs(this.#run, reconciliation, this.#plain);
    const { courseId = null, studentId = null } = this.#scope;
    const [known] = await db.query<{ keys: bigint }>(keySql.reconcile_count, [
      reconciliation.family,
      courseId,
      studentId,
    ]);
    const waiting: StudentCourse[] = [];
    let seen = 0;
    for await (const range of studentRanges(db, studentId)) {
      const keys = this.#withoutUncertain(family, await reconciliation.keysOf(db, range, courseId));
      for (let at = 0; at < keys.length; at += KEYS_PER_COMPARISON) {
        context.signal.throwIfAborted();
        const comparisons = await reconciliation.compare(db, keys.slice(at, at + KEYS_PER_COMPARISON), within);
        for (const { key, waits } of comparisons) if (waits) waiting.push(key);
        await repairs.repair(comparisons.flatMap((comparison) => this.#take(family, comparison)));
        seen += comparisons.length;
        const total = Math.max(seen, Number(known?.keys ?? 0n));
        context.progress({ phase: `comparing the ${reconciliation.family} features`, done: seen, total });
      }
    }
    // The keys that were waiting to be derived, once they are.
    const differing: KeyComparison[] = [];
    const left = await untilAtRest(this.#run, reconciliation, waiting, within, (comparison) => {
      differing.push(...this.#take(family, comparison));
      return true;
    });
    this.#skip(left);
    await repairs.repair(differing);
    await this.#finish(repairs);
  }

  /** Counts the result of a key. @returns it, if it is to be repaired at once */
  #take(family: FamilyState, comparison: KeyComparison): KeyComparison[] {
    const { key, isPartial, evidence, findings } = comparison;
    if (comparison.waits) return [];
    const { ledger } = this.#run;
    this.#compared += 1;
    if (evidence === null) {
      ledger.note(findings);
      this.#rechecks.markIncomplete(key);
      this.#recheck(family.reconciliation, key);
      return [comparison];
    }
    if (isPartial) {
      this.#rechecks.addUnknown(key.courseId);
      family.deferred.push(key);
    }
    this.#rechecks.addEvidence(key, evidence);
    for (const [where, count] of comparison.equal) ledger.equal(where, count);
    ledger.note(findings);
    if (findings.length === 0) return [];
    this.#recheck(family.reconciliation, key);
    const isOfCourse = findings.some(({ where }) => isOfEvidence(where));
    if (isOfCourse) {
      this.#firstDays.set(inFamily(family.reconciliation.family, key), evidence.firstDay);
      this.#affected.add(keyName(key));
    }
    if (!this.#affected.has(keyName(key)) || family.heldBack.length >= MOST_HELD_BACK) return [comparison];
    family.heldBack.push(comparison);
    return [];
  }

  /** Compares the features of keys whose courses are wrong with what they have to be once these are right. */
  async #compareDeferred(family: FamilyState): Promise<void> {
    const { reconciliation, late } = family;
    const deferred = this.#withoutUncertain(family, family.deferred);
    if (deferred.length === 0) return;
    const { ledger } = this.#run;
    const isWhole = this.#scope.studentId === undefined;
    const courses = isWhole ? this.#rechecks.states : this.#rechecks.unknown;
    const within: ComparisonScope = { days: this.#scope, courses, firstDays: this.#firstDays };
    const left = await untilAtRest(this.#run, reconciliation, deferred, within, (comparison) => {
      if (comparison.isPartial) this.#skip([comparison.key]);
      for (const [where, count] of comparison.equal) if (!isOfEvidence(where)) ledger.equal(where, count);
      const findings = comparison.findings.filter(({ where }) => !isOfEvidence(where));
      ledger.note(findings);
      if (findings.length > 0) {
        late.push({ ...comparison, findings });
        this.#recheck(reconciliation, comparison.key);
      }
      return true;
    });
    this.#skip(left);
  }

  /** What depends on something wrong is not counted as another fault, but judged once that is repaired. */
  async #compareAfterwards({ reconciliation, afterwards }: FamilyState): Promise<void> {
    if (this.#run.context.dryRun) this.#skipped += afterwards.length;
    if (this.#run.context.dryRun || afterwards.length === 0) return;
    const { ledger } = this.#run;
    const differing: KeyComparison[] = [];
    const left = await untilAtRest(this.#run, reconciliation, afterwards, this.#plain, (comparison) => {
      for (const [where, count] of comparison.equal) ledger.equal(where, count);
      ledger.note(comparison.findings);
      if (comparison.findings.length > 0) differing.push(comparison);
      return true;
    });
    this.#compared += afterwards.length - left.length;
    this.#skipped += left.length;
    await this.#repair(reconciliation, differing);
  }

  #recheck({ storedFor }: FamilyReconciliation, key: StudentCourse): void {
    if (storedFor === undefined) return;
    this.#differing.add(key.courseId);
    this.#uncertain.add(inFamily(storedFor, key));
  }

  /** The keys that can be judged now; the others are kept for later. */
  #withoutUncertain({ reconciliation, afterwards }: FamilyState, keys: readonly StudentCourse[]): StudentCourse[] {
    return keys.filter((key) => {
      const isCertain = !this.#uncertain.has(inFamily(reconciliation.family, key));
      if (!isCertain) afterwards.push(key);
      return isCertain;
    });
  }

  async #repair(reconciliation: FamilyReconciliation, comparisons: readonly KeyComparison[]): Promise<void> {
    const repairs = new Repairs(this.#run, reconciliation, this.#plain);
    for (let at = 0; at < comparisons.length; at += KEYS_PER_COMPARISON)
      await repairs.repair(comparisons.slice(at, at + KEYS_PER_COMPARISON));
    await this.#finish(repairs);
  }

  async #finish(repairs: Repairs): Promise<void> {
    await repairs.settle();
    this.#left += repairs.left;
  }

  #skip(keys: readonly StudentCourse[]): void {
    this.#skipped += keys.length;
    for (const key of keys) this.#rechecks.markIncomplete(key);
  }

  /** Judges by the stored courses and first days: any fault in them has been repaired by then. */
  get #plain(): ComparisonScope {
    return { days: this.#scope, courses: new Map(), firstDays: new Map() };
  }
}
