import { randomUUID } from 'node:crypto';
import type { Clock } from '#libs/domain/clock.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import type { RunScope } from '#libs/domain/run.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { startIntake } from '#libs/pipeline/intake.ts';
import { Work } from '#libs/pipeline/work.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { Lifecycle } from '#libs/platform/lifecycle.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import type { RunContext, RunnerParts, RunProgress, RunResult } from '#libs/reconcile/contract.ts';
import { Reconciler } from '#libs/reconcile/index.ts';
import { openRowReconciler } from '#libs/reconcile/rows/row-reconciler.ts';
import { pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { FIRST_TODAY } from '../property/rows.ts';
import { createAnalyticsDatabase, createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { askOracle, compareFeatures, type Difference, readCourseIds, readFeatures } from '../support/oracle.ts';
import { startTestPipeline, type TestPipeline } from '../support/pipeline.ts';
import { testSettings } from '../support/settings.ts';
import { untilSettled } from '../support/settle.ts';
import { LAX_SOURCE_SCHEMA } from '../support/source-schema.ts';

const log = openLog('silent');
/** Noon of the day that is "today" for generated rows. */
const FIXED: Clock = { now: () => FIRST_TODAY * MS_PER_DAY + 43_200_000 };

export interface ReconcileWorldOptions {
  readonly mode?: RunContext['mode'];
  readonly dryRun?: boolean;
  readonly scope?: RunScope;
  readonly signal?: AbortSignal;
  readonly guard?: RunContext['guard'];
  readonly onProgress?: (progress: RunProgress) => void;
  /** Milliseconds. */
  readonly timeoutMs?: number;
  /** A source other than the one that is followed. */
  readonly source?: DatabaseAddress;
}

/** A source, an analytics database, the whole pipeline between them, and the reconcile. */
export class ReconcileWorld {
  readonly source: TestDatabase;
  readonly analytics: TestDatabase;
  readonly settings: FeatureSettings;
  /** May be replaced before the world begins. */
  clock = FIXED;
  #pipeline: TestPipeline | undefined;

  private constructor(source: TestDatabase, analytics: TestDatabase, settings: FeatureSettings) {
    this.source = source;
    this.analytics = analytics;
    this.settings = settings;
  }

  static async open(purpose: string, settings: Partial<FeatureSettings> = {}): Promise<ReconcileWorld> {
    const source = await createSourceDatabase(`${purpose}_source`, LAX_SOURCE_SCHEMA);
    const analytics = await createAnalyticsDatabase(`${purpose}_analytics`);
    return new ReconcileWorld(source, analytics, { ...testSettings(), ...settings });
  }

  get db(): Database {
    return this.analytics.db;
  }

  /** Follows the source and derives, from where it last stopped. */
  async begin(): Promise<void> {
    const { source, settings, clock, db: analytics } = this;
    this.#pipeline = await startTestPipeline({ source: source.address, analytics, settings, clock });
  }

  /** Follows the source without deriving. */
  follow(): Promise<void> {
    const source = pgoutputSource({
      address: this.source.address,
      progress: openProgressStore(this.db),
      slotPrefix: this.source.address.database.slice(0, 50),
      maxBatch: 500,
    });
    const onFailure = (error: unknown): void => console.error('the source of the test has failed:', error);
    const { db, settings } = this;
    const intake = startIntake({ source, db, settings, work: new Work(), log, onFailure });
    this.#pipeline = { failure: undefined, stop: () => intake.stop() };
    return Promise.resolve();
  }

  async pause(): Promise<void> {
    await this.#pipeline?.stop();
    this.#pipeline = undefined;
  }

  settle(): Promise<void> {
    return untilSettled(this.source.db, this.db);
  }

  async reconcile(options: ReconcileWorldOptions = {}): Promise<RunResult> {
    const { signal = new AbortController().signal, timeoutMs = 20_000 } = options;
    const context: RunContext = {
      runId: randomUUID(),
      mode: options.mode ?? 'reconcile',
      scope: options.scope ?? {},
      dryRun: options.dryRun ?? false,
      signal,
      progress: options.onProgress ?? (() => {}),
      guard: options.guard ?? (async () => {}),
    };
    const parts = { ...this.#parts, source: options.source ?? this.source.address };
    const reconciler = new Reconciler(parts, await openRowReconciler(parts), { lookEveryMs: 20, timeoutMs });
    return reconciler.run(context);
  }

  get #parts(): RunnerParts {
    const { settings, db, analytics, source, clock } = this;
    const [config, lifecycle] = [loadConfig({}), new Lifecycle(log)];
    return { config, settings, db, analytics: analytics.address, source: source.address, clock, log, lifecycle };
  }

  /** The differences between what is stored and the oracle's answer from the source. */
  async differences(): Promise<Difference[]> {
    const courseIds = await readCourseIds(this.db);
    const expected = await askOracle(this.source.address, 'public', { today: FIRST_TODAY }, courseIds);
    return compareFeatures(expected, await readFeatures(this.analytics.address));
  }

  async drop(): Promise<void> {
    await this.pause();
    await this.source.drop();
    await this.analytics.drop();
  }
}
