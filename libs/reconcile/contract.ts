import type { Clock } from '#libs/domain/clock.ts';
import type { RunMode, RunProgress, RunScope, Verdict } from '#libs/domain/run.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Lifecycle } from '#libs/platform/lifecycle.ts';
import type { Log } from '#libs/platform/log.ts';
import type { Database, DatabaseAddress, Queryable } from '#libs/platform/postgres/database.ts';

export type { Difference, RunMode, RunProgress, RunScope, Tally, Verdict } from '#libs/domain/run.ts';

/** What a run gets from the code that records it. */
export interface RunContext {
  readonly runId: string;
  readonly mode: RunMode;
  readonly scope: RunScope;
  /** Compare only, repair nothing. */
  readonly dryRun: boolean;
  /** Aborts when the run is cancelled, when the process stops, or when another process has taken over the run. */
  readonly signal: AbortSignal;
  /** To be called regularly with the progress to show. Half an hour without a call counts as hanging. */
  progress(done: RunProgress): void;
  /**
   * To be the first statement of each of the run's writing transactions: until the transaction ends, nobody can take over
   * the run. The server ends a transaction that is then idle for as long as a lease.
   * @throws the signal's reason once it has aborted; RunGuardError when the run was cancelled or taken over and the signal
   * has not aborted yet
   */
  guard(tx: Queryable): Promise<void>;
}

export interface RunResult {
  readonly verdict: Verdict;
  /** Rows and keys compared. */
  readonly recordsProcessed: number;
  /** Of these, those that differed and still do. */
  readonly recordsFailed: number;
}

/**
 * Does the work of runs, one at a time. A run may be restarted from the beginning at any moment, also by another process.
 * It resolves only when everything is done. When the signal aborts it rejects promptly: if it does not end within some
 * seconds, it is abandoned and loses the run. When a database is away, it rejects with the driver's error
 * (`isDatabaseFault`), and the run is begun again later. Any other error ends the run as failed, with its message as reason.
 */
export interface Runner {
  run(context: RunContext): Promise<RunResult>;
}

/** What a runner is made from. It opens connections to the source itself, and registers what it opens in the lifecycle. */
export interface RunnerParts {
  readonly config: SettingValues;
  readonly settings: FeatureSettings;
  /** The analytics database; a pool shared with others. */
  readonly db: Database;
  readonly analytics: DatabaseAddress;
  readonly source: DatabaseAddress;
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
}

export type OpenRunner = (parts: RunnerParts) => Runner | Promise<Runner>;
