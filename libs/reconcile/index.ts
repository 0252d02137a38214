import { anomalyFamily } from '#libs/families/anomaly.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { namesOf } from '#libs/platform/config/config.ts';
import { unlessAborted } from '#libs/platform/lifecycle.ts';
import { moduleLog } from '#libs/platform/log.ts';
import { checkSource } from '#libs/source/pgoutput/index.ts';
import { readTodayToWrite } from '#libs/store/keys/calendar.ts';
import { backfill } from './backfill.ts';
import type { OpenRunner, RunContext, Runner, RunnerParts, RunResult } from './contract.ts';
import { type FamilyReconciliation, openFamilyReconciliation } from './features/family.ts';
import { reconcileFeatures } from './features/feature-reconciler.ts';
import { RECONCILE_TIMING, type ReconcileRun, type ReconcileTiming } from './features/repairs.ts';
import { openRowReconciler, type RowReconcileResult, type RowReconciler } from './rows/row-reconciler.ts';
import { Ledger, mergeVerdict } from './verdict.ts';

/** Every family that is compared, each after those that it depends on. */
export const reconciliationsOf = (settings: FeatureSettings): readonly FamilyReconciliation[] => [
  openFamilyReconciliation(performanceFamily, settings),
  openFamilyReconciliation(engagementFamily, settings),
  openFamilyReconciliation(anomalyFamily, settings),
];

/** The nightly reconciliation: compares the images with the source, then everything derived with the images. */
export const openReconciler: OpenRunner = async (given) => {
  const parts = { ...given, log: moduleLog(given.log, 'reconcile') };
  return new Reconciler(parts, await openRowReconciler(parts));
};

const NO_ROWS: RowReconcileResult = { tables: {}, kinds: {}, examples: [], skipped: 0, compared: 0, left: 0 };

export class Reconciler implements Runner {
  readonly #parts: RunnerParts;
  readonly #rows: RowReconciler;
  readonly #timing: ReconcileTiming;

  constructor(parts: RunnerParts, rows: RowReconciler, timing: ReconcileTiming = RECONCILE_TIMING) {
    this.#parts = parts;
    this.#rows = rows;
    this.#timing = timing;
  }

  async run(context: RunContext): Promise<RunResult> {
    const ledger = new Ledger();
    const reconciliation: ReconcileRun = { db: this.#parts.db, context, ledger, timing: this.#timing };
    const reconciliations = reconciliationsOf(this.#parts.settings);
    // Before waiting for anything: if the settings are no longer in force, nothing is taken in either.
    await readTodayToWrite(this.#parts.db, this.#parts.settings.fingerprint);
    const isBackfill = context.mode === 'backfill';
    if (!isBackfill) await this.#checkSource(context);
    const rows = isBackfill ? NO_ROWS : await this.#rows.run(context, context.scope);
    const { deriving } = this.#parts.settings;
    const features = isBackfill
      ? await backfill(reconciliation, reconciliations, context.scope)
      : await reconcileFeatures(reconciliation, reconciliations, context.scope, deriving);
    return {
      verdict: mergeVerdict(rows, ledger, features.skipped),
      recordsProcessed: rows.compared + features.compared,
      recordsFailed: rows.left + features.left,
    };
  }

  /** The check of each start: a source that lost a table, a column or a key would look like one that lost its rows. */
  async #checkSource(context: RunContext): Promise<void> {
    const { source, config } = this.#parts;
    context.progress({ phase: 'checking the source', done: 0, total: null });
    await unlessAborted(checkSource(source, config.SOURCE_PUBLICATION, namesOf(config)), context.signal);
  }
}
