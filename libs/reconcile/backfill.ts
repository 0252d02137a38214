import type { StudentCourse } from '#libs/domain/family.ts';
import type { RunScope } from '#libs/domain/run.ts';
import { keyName } from '#libs/store/keys/keys.ts';
import type { ComparisonScope, FamilyReconciliation, KeyComparison } from './features/family.ts';
import type { FeatureReconcileResult } from './features/feature-reconciler.ts';
import { markKeys, type ReconcileRun, untilAtRest } from './features/repairs.ts';
import { studentRanges } from './features/scope.ts';

/** Keys derived again at a time. */
const KEYS_AT_ONCE = 1_000;

/**
 * Has every key of the scope derived again, and reports which of its days in the range have changed. A series is computed as
 * a whole, from today's rows, so single days cannot be computed alone.
 */
export async function backfill(
  run: ReconcileRun,
  reconciliations: readonly FamilyReconciliation[],
  scope: RunScope,
): Promise<FeatureReconcileResult> {
  const result = { compared: 0, left: 0, skipped: 0 };
  const { courseId = null, studentId = null } = scope;
  for (const reconciliation of reconciliations) {
    for await (const range of studentRanges(run.db, studentId)) {
      const keys = await reconciliation.keysOf(run.db, range, courseId);
      for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
        const some = await backfillKeys(run, reconciliation, keys.slice(at, at + KEYS_AT_ONCE), scope);
        result.compared += some.compared;
        result.left += some.left;
        result.skipped += some.skipped;
        const phase = `computing the ${reconciliation.family} days again`;
        run.context.progress({ phase, done: result.compared + result.skipped, total: null });
      }
    }
  }
  return result;
}

async function backfillKeys(
  run: ReconcileRun,
  reconciliation: FamilyReconciliation,
  keys: readonly StudentCourse[],
  scope: RunScope,
): Promise<FeatureReconcileResult> {
  const { db, context, ledger } = run;
  context.signal.throwIfAborted();
  const within: ComparisonScope = { days: scope, courses: new Map(), firstDays: new Map() };
  const before = new Map<string, KeyComparison>();
  for (const comparison of await reconciliation.compare(db, keys, within)) {
    if (comparison.waits) continue;
    const ofDays = daysOf(comparison);
    before.set(keyName(comparison.key), ofDays);
    ledger.note(ofDays.findings);
    for (const [where, count] of ofDays.equal) ledger.equal(where, count);
  }
  if (context.dryRun) {
    const left = [...before.values()].filter(({ findings }) => findings.length > 0).length;
    return { compared: before.size, left, skipped: keys.length - before.size };
  }
  await markKeys(run, reconciliation, keys);
  let left = 0;
  const waiting = await untilAtRest(run, reconciliation, keys, within, (comparison) => {
    const after = daysOf(comparison);
    const known = before.get(keyName(comparison.key));
    if (known === undefined) {
      // It was waiting to be derived anyway, and has been: those changes are not this run's.
      ledger.note(after.findings);
      for (const [where, count] of after.equal) ledger.equal(where, count);
    }
    if (after.findings.length > 0) left += 1;
    else if (known !== undefined) ledger.repaired(known.findings);
    return true;
  });
  const differing = waiting.filter((key) => (before.get(keyName(key))?.findings.length ?? 0) > 0).length;
  return {
    compared: keys.length - waiting.length + differing,
    left: left + differing,
    skipped: waiting.length - differing,
  };
}

/** The part of a comparison that concerns days. */
function daysOf(comparison: KeyComparison): KeyComparison {
  const isDay = (where: string): boolean => where.includes('_series.');
  return {
    ...comparison,
    findings: comparison.findings.filter(({ where }) => isDay(where)),
    equal: new Map([...comparison.equal].filter(([where]) => isDay(where))),
  };
}
