import type { StudentCourse } from '#libs/domain/family.ts';
import type { RunScope } from '#libs/domain/run.ts';
import { keyName } from '#libs/store/keys.ts';
import type { FeatureAuditResult } from './features/audit.ts';
import type { FamilyProof, KeyComparison, ComparisonScope } from './features/family.ts';
import { markKeys, type ProofRun, untilAtRest } from './features/repairs.ts';
import { studentRanges } from './features/scope.ts';

/** Keys that are derived again at once. */
const KEYS_AT_ONCE = 1_000;

/**
 * Has every key of the scope derived again, and says which of its days in the range that has changed. A series is computed
 * whole, from the rows as they are today, so there is no computing of some days alone.
 */
export async function backfill(
  run: ProofRun,
  proofs: readonly FamilyProof[],
  scope: RunScope,
): Promise<FeatureAuditResult> {
  const result = { compared: 0, left: 0, skipped: 0 };
  const { courseId = null, studentId = null } = scope;
  for (const proof of proofs) {
    for await (const range of studentRanges(run.db, studentId)) {
      const keys = await proof.keysOf(run.db, range, courseId);
      for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
        const some = await backfillKeys(run, proof, keys.slice(at, at + KEYS_AT_ONCE), scope);
        result.compared += some.compared;
        result.left += some.left;
        result.skipped += some.skipped;
        const phase = `computing the ${proof.family} days again`;
        run.context.progress({ phase, done: result.compared + result.skipped, total: null });
      }
    }
  }
  return result;
}

async function backfillKeys(
  run: ProofRun,
  proof: FamilyProof,
  keys: readonly StudentCourse[],
  scope: RunScope,
): Promise<FeatureAuditResult> {
  const { db, context, ledger } = run;
  context.signal.throwIfAborted();
  const look: ComparisonScope = { days: scope, courses: new Map(), firstDays: new Map() };
  const before = new Map<string, KeyComparison>();
  for (const judgement of await proof.judge(db, keys, look)) {
    if (judgement.waits) continue;
    const ofDays = daysOf(judgement);
    before.set(keyName(judgement.key), ofDays);
    ledger.note(ofDays.findings);
    for (const [where, count] of ofDays.equal) ledger.equal(where, count);
  }
  if (context.dryRun) {
    const left = [...before.values()].filter(({ findings }) => findings.length > 0).length;
    return { compared: before.size, left, skipped: keys.length - before.size };
  }
  await markKeys(run, proof, keys);
  let left = 0;
  const waiting = await untilAtRest(run, proof, keys, look, (judgement) => {
    const after = daysOf(judgement);
    const known = before.get(keyName(judgement.key));
    if (known === undefined) {
      // It was about to be derived anyway, and has been: what has changed by that is not this run's.
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

/** What a judgement says of days alone. */
function daysOf(judgement: KeyComparison): KeyComparison {
  const isDay = (where: string): boolean => where.includes('_series.');
  return {
    ...judgement,
    findings: judgement.findings.filter(({ where }) => isDay(where)),
    equal: new Map([...judgement.equal].filter(([where]) => isDay(where))),
  };
}
