import { randomUUID } from 'node:crypto';
import { systemClock } from '#libs/domain/clock.ts';
import type { RunScope } from '#libs/domain/run.ts';
import { type Intake, startIntake } from '#libs/pipeline/intake.ts';
import { Work } from '#libs/pipeline/work.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { Lifecycle } from '#libs/platform/lifecycle.ts';
import { openLog } from '#libs/platform/log.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import type { RunContext, RunnerParts, RunProgress } from '#libs/reconcile/contract.ts';
import {
  openRowReconciler,
  type RowReconcileResult,
  type RowReconcilerOptions,
} from '#libs/reconcile/rows/row-reconciler.ts';
import { pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { createAnalyticsDatabase, createSourceDatabase, type TestDatabase } from '../../support/database.ts';
import { testSettings } from '../../support/settings.ts';
import { LAX_SOURCE_SCHEMA } from '../../support/source-schema.ts';

const log = openLog('silent');

export interface RowReconcileOptions extends RowReconcilerOptions {
  readonly dryRun?: boolean;
  readonly scope?: RunScope;
  readonly signal?: AbortSignal;
  readonly guard?: RunContext['guard'];
  readonly onProgress?: (progress: RunProgress) => void;
}

export async function reconcileOnce(
  parts: RunnerParts,
  options: RowReconcileOptions = {},
): Promise<RowReconcileResult> {
  const { dryRun = false, scope = {}, signal = new AbortController().signal, rangeRows } = options;
  const reconciler = await openRowReconciler(parts, rangeRows === undefined ? {} : { rangeRows });
  const context: RunContext = {
    runId: randomUUID(),
    mode: 'reconcile',
    scope,
    dryRun,
    signal,
    progress: options.onProgress ?? (() => {}),
    guard: options.guard ?? (async () => {}),
  };
  return reconciler.run(context, scope);
}

/** A source and an analytics database, with a real slot and the product's staging between them. */
export class RowWorld {
  readonly source: TestDatabase;
  readonly analytics: TestDatabase;
  readonly settings = testSettings();
  /** Set if the source ended in an error. */
  failure: unknown;
  #intake: Intake | undefined;

  private constructor(source: TestDatabase, analytics: TestDatabase) {
    this.source = source;
    this.analytics = analytics;
  }

  static async open(purpose: string, encoding?: string): Promise<RowWorld> {
    const source = await createSourceDatabase(`${purpose}_source`, LAX_SOURCE_SCHEMA, undefined, encoding);
    const analytics = await createAnalyticsDatabase(`${purpose}_analytics`);
    return new RowWorld(source, analytics);
  }

  /** Follows the source from where it last stopped. */
  begin(maxBatch = 500): void {
    this.#intake = startIntake({
      source: pgoutputSource({
        address: this.source.address,
        progress: openProgressStore(this.analytics.db),
        // Slot names belong to the whole server, which other tests share.
        slotPrefix: this.source.address.database.slice(0, 50),
        maxBatch,
      }),
      db: this.analytics.db,
      settings: this.settings,
      work: new Work(),
      log,
      onFailure: (error) => {
        this.failure = error;
      },
    });
  }

  async pause(): Promise<void> {
    await this.#intake?.stop();
    this.#intake = undefined;
  }

  get parts(): RunnerParts {
    return {
      config: loadConfig({}),
      settings: this.settings,
      db: this.analytics.db,
      analytics: this.analytics.address,
      source: this.source.address,
      clock: systemClock,
      log,
      lifecycle: new Lifecycle(log),
    };
  }

  reconcile(options: RowReconcileOptions = {}): Promise<RowReconcileResult> {
    return reconcileOnce(this.parts, options);
  }

  async drop(): Promise<void> {
    await this.pause();
    await this.source.drop();
    await this.analytics.drop();
  }
}

/** Ends the connections to a database under these names (a LIKE pattern), as a server that goes away would. @returns how many */
export async function endConnections(database: TestDatabase, name: string): Promise<number> {
  const db = openDatabase(database.address, { connections: 1, name: 'test killer' });
  try {
    const ended = await db.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $1',
      [name],
    );
    return ended.length;
  } finally {
    await db.close();
  }
}
