import { anomalyFamily } from '#libs/families/anomaly.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { unlessAborted } from '#libs/platform/lifecycle.ts';
import { checkSource } from '#libs/source/pgoutput/index.ts';
import { readTodayToWrite } from '#libs/store/calendar.ts';
import { backfill } from './backfill.ts';
import type { OpenRunner, RunContext, Runner, RunnerParts, RunResult } from './contract.ts';
import { auditFeatures } from './features/audit.ts';
import { type FamilyProof, openFamilyProof } from './features/family.ts';
import { PROOF_TIMING, type ProofRun, type ProofTiming } from './features/repairs.ts';
import { openRowAudit, type RowAudit, type RowAuditResult } from './rows/audit.ts';
import { Ledger, mergeVerdict } from './verdict.ts';

/** Every family that is proven, after those that its results follow from. */
const proofsOf = (settings: FeatureSettings): readonly FamilyProof[] => [
  openFamilyProof(performanceFamily, settings),
  openFamilyProof(engagementFamily, settings),
  openFamilyProof(anomalyFamily, settings),
];

/** The nightly proof: the images against the source, then everything that follows from the images against them. */
export const openReconciler: OpenRunner = async (parts) => new Reconciler(parts, await openRowAudit(parts));

const NO_ROWS: RowAuditResult = { tables: {}, kinds: {}, examples: [], skipped: 0, compared: 0, left: 0 };

export class Reconciler implements Runner {
  readonly #parts: RunnerParts;
  readonly #rows: RowAudit;
  readonly #timing: ProofTiming;

  constructor(parts: RunnerParts, rows: RowAudit, timing: ProofTiming = PROOF_TIMING) {
    this.#parts = parts;
    this.#rows = rows;
    this.#timing = timing;
  }

  async run(context: RunContext): Promise<RunResult> {
    const ledger = new Ledger();
    const proof: ProofRun = { db: this.#parts.db, context, ledger, timing: this.#timing };
    const proofs = proofsOf(this.#parts.settings);
    // Before anything is waited for: whoever has other settings by now takes nothing in either.
    await readTodayToWrite(this.#parts.db, this.#parts.settings.fingerprint);
    const isBackfill = context.mode === 'backfill';
    if (!isBackfill) await this.#checkSource(context);
    const rows = isBackfill ? NO_ROWS : await this.#rows.run(context, context.scope);
    const audit = isBackfill ? backfill : auditFeatures;
    const features = await audit(proof, proofs, context.scope);
    return {
      verdict: mergeVerdict(rows, ledger, features.skipped),
      recordsProcessed: rows.compared + features.compared,
      recordsFailed: rows.left + features.left,
    };
  }

  /** As each start does: a source that lost a table, a column or a key would look like one that lost its rows. */
  async #checkSource(context: RunContext): Promise<void> {
    const { source, config } = this.#parts;
    context.progress({ phase: 'checking the source', done: 0, total: null });
    await unlessAborted(
      checkSource(source, { publication: config.SOURCE_PUBLICATION, schema: config.SOURCE_SCHEMA }),
      context.signal,
    );
  }
}
