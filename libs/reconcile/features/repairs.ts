import type { StudentCourse } from '#libs/domain/family.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { pause } from '#libs/platform/retry.ts';
import { putOutbox } from '#libs/store/features/outbox.ts';
import { claimKeys, keyName } from '#libs/store/keys/keys.ts';
import { MARK_PRIORITY, MarkSet, NO_ORIGIN, WAKE_CHANNEL } from '#libs/store/keys/marks.ts';
import { keySql } from '#libs/store/keys/statements.ts';
import { runSql } from '#libs/store/runs/statements.ts';
import type { RunContext } from '../contract.ts';
import { type Discrepancy, KINDS, type Ledger } from '../verdict.ts';
import { isOfEvidence } from './compare.ts';
import type { ComparisonScope, FamilyReconciliation, KeyComparison } from './family.ts';

export interface ReconcileTiming {
  /** How often to check keys that wait for their derivers. Milliseconds. */
  readonly lookEveryMs: number;
  /** Waiting ends when none of the waiting keys has come to rest for this long. Milliseconds. */
  readonly timeoutMs: number;
}

export const RECONCILE_TIMING: ReconcileTiming = { lookEveryMs: 200, timeoutMs: 30_000 };

/** What the parts of one run share. */
export interface ReconcileRun {
  readonly db: Database;
  readonly context: RunContext;
  readonly ledger: Ledger;
  readonly timing: ReconcileTiming;
}

/** Keys per comparison and per transaction. */
export const KEYS_PER_COMPARISON = 200;

/** Asks the derivers to derive keys again, after everything that comes from the source. */
export async function markKeys(
  { db, context }: ReconcileRun,
  { family }: FamilyReconciliation,
  keys: readonly StudentCourse[],
): Promise<void> {
  if (keys.length === 0) return;
  await db.transaction(async (tx) => {
    await context.guard(tx);
    const marks = new MarkSet();
    // Nobody would derive a key of a student who was erased meanwhile, and its mark would stay.
    const rows = await tx.query<{ student_id: number }>(keySql.students_there, [keys.map((key) => key.studentId)]);
    const there = new Set(rows.map((row) => row.student_id));
    for (const key of keys) if (there.has(key.studentId)) marks.add(family, key, NO_ORIGIN, null);
    await marks.write(tx, MARK_PRIORITY.bulk);
  });
  await wakeDerivers(db);
}

/** Without this, they would find the marks within a second by themselves. */
export async function wakeDerivers(db: Database): Promise<void> {
  await db.query(runSql.notify, [WAKE_CHANNEL, 'the nightly reconcile']);
}

/** Puts keys into the outbox again, with versions drawn under their locks; those that a deriver holds are left out. */
async function noteAgain(
  { db, context }: ReconcileRun,
  { family }: FamilyReconciliation,
  keys: readonly StudentCourse[],
): Promise<void> {
  if (keys.length === 0) return;
  await db.transaction(async (tx) => {
    await context.guard(tx);
    await putOutbox(tx, family, await claimKeys(tx, family, keys, keys.length));
  });
}

/**
 * Compares keys repeatedly until they are at rest: derived, with no mark waiting.
 * @param atRest called with each such key; returns whether it is finished, otherwise we keep waiting for it
 * @returns the keys still waiting when none has come to rest until the timeout
 */
export async function untilAtRest(
  run: ReconcileRun,
  reconciliation: FamilyReconciliation,
  keys: readonly StudentCourse[],
  within: ComparisonScope,
  atRest: (comparison: KeyComparison) => boolean,
): Promise<StudentCourse[]> {
  const { db, context, timing } = run;
  let waiting = keys;
  let movedAt = performance.now();
  for (;;) {
    const left: StudentCourse[] = [];
    for (let at = 0; at < waiting.length; at += KEYS_PER_COMPARISON) {
      context.signal.throwIfAborted();
      for (const comparison of await reconciliation.compare(db, waiting.slice(at, at + KEYS_PER_COMPARISON), within))
        if (comparison.waits || !atRest(comparison)) left.push(comparison.key);
    }
    if (left.length < waiting.length) movedAt = performance.now();
    waiting = left;
    if (waiting.length === 0 || performance.now() - movedAt > timing.timeoutMs) return [...waiting];
    const phase = `waiting for ${waiting.length} ${reconciliation.family} keys to be derived`;
    context.progress({ phase, done: keys.length - waiting.length, total: keys.length });
    await pause(timing.lookEveryMs, context.signal);
  }
}

/** At most this many keys are under repair at once, with their findings in memory. */
const MOST_UNDER_REPAIR = 2_000;
/** A key that still differs after being derived is marked at most this often. */
const MOST_MARKS = 3;

interface Repair {
  readonly key: StudentCourse;
  readonly findings: readonly Discrepancy[];
  marks: number;
}

/** The differing keys of one family, from their marking until each is repaired. */
export class Repairs {
  readonly #run: ReconcileRun;
  readonly #reconciliation: FamilyReconciliation;
  readonly #within: ComparisonScope;
  readonly #open = new Map<string, Repair>();
  /** Keys that still differ. */
  left = 0;

  constructor(run: ReconcileRun, reconciliation: FamilyReconciliation, within: ComparisonScope) {
    this.#run = run;
    this.#reconciliation = reconciliation;
    this.#within = within;
  }

  /** Takes over keys that differ. A dry run only counts them. */
  async repair(comparisons: readonly KeyComparison[]): Promise<void> {
    if (comparisons.length === 0) return;
    if (this.#run.context.dryRun) {
      this.left += comparisons.length;
      return;
    }
    await this.#ask(comparisons);
    for (const { key, findings } of comparisons) this.#open.set(keyName(key), { key, findings, marks: 1 });
    if (this.#open.size >= MOST_UNDER_REPAIR) await this.settle();
  }

  /** Waits until all are repaired, or cannot be. */
  async settle(): Promise<void> {
    while (this.#open.size > 0) {
      const again: KeyComparison[] = [];
      const keys = [...this.#open.values()].map(({ key }) => key);
      const waiting = await untilAtRest(this.#run, this.#reconciliation, keys, this.#within, (comparison) => {
        const repair = this.#open.get(keyName(comparison.key));
        if (repair === undefined) return true;
        if (isRepaired(repair.findings, comparison)) this.#run.ledger.repaired(repair.findings);
        else if (repair.marks < MOST_MARKS) {
          repair.marks += 1;
          again.push(comparison);
          return true;
        } else this.left += 1;
        this.#open.delete(keyName(comparison.key));
        return true;
      });
      for (const key of waiting) this.#open.delete(keyName(key));
      this.left += waiting.length;
      if (again.length === 0) continue;
      await pause(this.#run.timing.lookEveryMs, this.#run.context.signal);
      await this.#ask(again);
    }
  }

  async #ask(comparisons: readonly KeyComparison[]): Promise<void> {
    const isForgotten = ({ example }: Discrepancy): boolean => example?.kind === KINDS.outbox;
    const toDerive = comparisons.filter(({ findings }) => !findings.every(isForgotten));
    const toNote = comparisons.filter(({ findings }) => findings.some(isForgotten));
    await markKeys(
      this.#run,
      this.#reconciliation,
      toDerive.map(({ key }) => key),
    );
    await noteAgain(
      this.#run,
      this.#reconciliation,
      toNote.map(({ key }) => key),
    );
  }
}

/** Whether none of the findings is found any more; what could not be judged does not count as repaired. */
function isRepaired(before: readonly Discrepancy[], { findings, isPartial }: KeyComparison): boolean {
  if (findings.length === 0) return !isPartial || before.every(({ where }) => isOfEvidence(where));
  const places = new Set(findings.map(({ where }) => where));
  return before.every(({ where }) => !places.has(where));
}
