import type { StudentCourse } from '#libs/domain/family.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { RunScope } from '#libs/domain/run.ts';
import { keyName } from '#libs/store/keys.ts';
import { sql } from '#libs/store/statements.ts';
import { isOfEvidence } from './compare.ts';
import { type FamilyProof, inFamily, type KeyComparison, type ComparisonScope } from './family.ts';
import { KEYS_PER_LOOK, type ProofRun, Repairs, untilAtRest } from './repairs.ts';
import { studentRanges } from './scope.ts';
import { Suspects } from './suspects.ts';

export interface FeatureAuditResult {
  /** Keys, by family, and courses. */
  readonly compared: number;
  /** Of these, those that differ and still do. */
  readonly left: number;
  /** What waited for its deriver all the time, or could not be judged without the rest of its course. */
  readonly skipped: number;
}

/**
 * Compares every stored feature, day, word to a course and course with what follows from the images, and has the derivers
 * mend what differs.
 *
 * A key is found before anything is mended that would have it derived again: a course that moves marks all its keys, and
 * what is wrong with them would be gone unseen. So what keys say of their courses is mended last, then the courses, then
 * the keys of these.
 */
export const auditFeatures = (
  run: ProofRun,
  proofs: readonly FamilyProof[],
  scope: RunScope,
): Promise<FeatureAuditResult> => new FeatureAudit(run, proofs, scope).run();

/** More keys than that are not kept for later: they are mended as they come. */
const MOST_HELD_BACK = 20_000;

/** What is kept of one family. */
interface FamilyState {
  readonly proof: FamilyProof;
  /** Keys that differ in what they say of their course, or whose features follow from such a word. */
  readonly heldBack: KeyComparison[];
  /** Keys whose features are judged when it is known what their course is. */
  readonly deferred: StudentCourse[];
  readonly late: KeyComparison[];
  /** Keys that follow from what another family stores, and has wrong: they are judged when that is mended. */
  readonly afterwards: StudentCourse[];
}

class FeatureAudit {
  readonly #run: ProofRun;
  readonly #families: readonly FamilyState[];
  readonly #scope: RunScope;
  readonly #suspects: Suspects;
  /** First days that keys ought to have, where they have others. */
  readonly #firstDays = new Map<string, LocalDay | null>();
  /** Keys that say something wrong of their course in any family. */
  readonly #shaken = new Set<string>();
  /** Keys of which a family that others follow from has stored something wrong; by {@link inFamily} of those others. */
  readonly #unsound = new Set<string>();
  #compared = 0;
  #left = 0;
  #skipped = 0;

  constructor(run: ProofRun, proofs: readonly FamilyProof[], scope: RunScope) {
    this.#run = run;
    this.#families = proofs.map((proof) => ({ proof, heldBack: [], deferred: [], late: [], afterwards: [] }));
    this.#scope = scope;
    this.#suspects = new Suspects(run);
  }

  async run(): Promise<FeatureAuditResult> {
    await this.#suspects.find(this.#scope.courseId);
    for (const family of this.#families) await this.#compare(family);
    for (const family of this.#families) await this.#compareDeferred(family);
    for (const { proof, heldBack } of this.#families) await this.#mend(proof, heldBack);
    if (this.#scope.studentId === undefined) {
      const courses = await this.#suspects.settle();
      this.#compared += courses.compared;
      this.#left += courses.left;
      this.#skipped += courses.skipped;
    }
    for (const { proof, late } of this.#families) await this.#mend(proof, late);
    for (const family of this.#families) await this.#compareAfterwards(family);
    return { compared: this.#compared, left: this.#left, skipped: this.#skipped };
  }

  /** Every key of a family; what differs in it is mended, but for what is held back. */
  async #compare(family: FamilyState): Promise<void> {
    const { db, context } = this.#run;
    const { proof } = family;
    const look: ComparisonScope = { days: this.#scope, courses: this.#suspects.unknown, firstDays: this.#firstDays };
    const repairs = new Repairs(this.#run, proof, this.#plainLook);
    const { courseId = null, studentId = null } = this.#scope;
    const [known] = await db.query<{ keys: bigint }>(sql.proof_count, [proof.family, courseId, studentId]);
    const waiting: StudentCourse[] = [];
    let seen = 0;
    for await (const range of studentRanges(db, studentId)) {
      const keys = this.#sound(family, await proof.keysOf(db, range, courseId));
      for (let at = 0; at < keys.length; at += KEYS_PER_LOOK) {
        context.signal.throwIfAborted();
        const judgements = await proof.judge(db, keys.slice(at, at + KEYS_PER_LOOK), look);
        for (const { key, waits } of judgements) if (waits) waiting.push(key);
        await repairs.mend(judgements.flatMap((judgement) => this.#take(family, judgement)));
        seen += judgements.length;
        const total = Math.max(seen, Number(known?.keys ?? 0n));
        context.progress({ phase: `comparing the ${proof.family} features`, done: seen, total });
      }
    }
    // Those that were about to be derived, once they are.
    const differing: KeyComparison[] = [];
    const left = await untilAtRest(this.#run, proof, waiting, look, (judgement) => {
      differing.push(...this.#take(family, judgement));
      return true;
    });
    this.#skip(left);
    await repairs.mend(differing);
    await this.#finish(repairs);
  }

  /** Counts what was found of a key. @returns it, if it is to be mended at once */
  #take(family: FamilyState, judgement: KeyComparison): KeyComparison[] {
    const { key, isPartial, evidence, findings } = judgement;
    if (judgement.waits) return [];
    const { ledger } = this.#run;
    this.#compared += 1;
    if (evidence === null) {
      ledger.note(findings);
      this.#suspects.lose(key);
      this.#doubt(family.proof, key);
      return [judgement];
    }
    if (isPartial) {
      this.#suspects.miss(key.courseId);
      family.deferred.push(key);
    }
    this.#suspects.hear(key, evidence);
    for (const [where, count] of judgement.equal) ledger.equal(where, count);
    ledger.note(findings);
    if (findings.length === 0) return [];
    this.#doubt(family.proof, key);
    const isOfCourse = findings.some(({ where }) => isOfEvidence(where));
    if (isOfCourse) {
      this.#firstDays.set(inFamily(family.proof.family, key), evidence.firstDay);
      this.#shaken.add(keyName(key));
    }
    if (!this.#shaken.has(keyName(key)) || family.heldBack.length >= MOST_HELD_BACK) return [judgement];
    family.heldBack.push(judgement);
    return [];
  }

  /** The features of keys whose courses are wrong, as they have to be when these are right. */
  async #compareDeferred(family: FamilyState): Promise<void> {
    const { proof, late } = family;
    const deferred = this.#sound(family, family.deferred);
    if (deferred.length === 0) return;
    const { ledger } = this.#run;
    const isWhole = this.#scope.studentId === undefined;
    const courses = isWhole ? this.#suspects.states : this.#suspects.unknown;
    const look: ComparisonScope = { days: this.#scope, courses, firstDays: this.#firstDays };
    const left = await untilAtRest(this.#run, proof, deferred, look, (judgement) => {
      if (judgement.isPartial) this.#skip([judgement.key]);
      for (const [where, count] of judgement.equal) if (!isOfEvidence(where)) ledger.equal(where, count);
      const findings = judgement.findings.filter(({ where }) => !isOfEvidence(where));
      ledger.note(findings);
      if (findings.length > 0) {
        late.push({ ...judgement, findings });
        this.#doubt(proof, judgement.key);
      }
      return true;
    });
    this.#skip(left);
  }

  /** What follows from something wrong is not counted as another wrong: it is judged once that is mended. */
  async #compareAfterwards({ proof, afterwards }: FamilyState): Promise<void> {
    if (this.#run.context.dryRun) this.#skipped += afterwards.length;
    if (this.#run.context.dryRun || afterwards.length === 0) return;
    const { ledger } = this.#run;
    const differing: KeyComparison[] = [];
    const left = await untilAtRest(this.#run, proof, afterwards, this.#plainLook, (judgement) => {
      for (const [where, count] of judgement.equal) ledger.equal(where, count);
      ledger.note(judgement.findings);
      if (judgement.findings.length > 0) differing.push(judgement);
      return true;
    });
    this.#compared += afterwards.length - left.length;
    this.#skipped += left.length;
    await this.#mend(proof, differing);
  }

  #doubt({ storedFor }: FamilyProof, key: StudentCourse): void {
    if (storedFor !== undefined) this.#unsound.add(inFamily(storedFor, key));
  }

  /** The keys that can be judged now; the others are kept for afterwards. */
  #sound({ proof, afterwards }: FamilyState, keys: readonly StudentCourse[]): StudentCourse[] {
    return keys.filter((key) => {
      const isSound = !this.#unsound.has(inFamily(proof.family, key));
      if (!isSound) afterwards.push(key);
      return isSound;
    });
  }

  async #mend(proof: FamilyProof, judgements: readonly KeyComparison[]): Promise<void> {
    const repairs = new Repairs(this.#run, proof, this.#plainLook);
    for (let at = 0; at < judgements.length; at += KEYS_PER_LOOK)
      await repairs.mend(judgements.slice(at, at + KEYS_PER_LOOK));
    await this.#finish(repairs);
  }

  async #finish(repairs: Repairs): Promise<void> {
    await repairs.settle();
    this.#left += repairs.left;
  }

  #skip(keys: readonly StudentCourse[]): void {
    this.#skipped += keys.length;
    for (const key of keys) this.#suspects.lose(key);
  }

  /** By what is stored: what was wrong there is mended before. */
  get #plainLook(): ComparisonScope {
    return { days: this.#scope, courses: new Map(), firstDays: new Map() };
  }
}
