import type { Clock } from '#libs/domain/clock.ts';
import type { RunMode, RunProgress, RunScope, Verdict } from '#libs/domain/run.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { Lifecycle } from '#libs/platform/lifecycle.ts';
import type { Log } from '#libs/platform/log.ts';
import type { Database, DatabaseAddress, Queryable } from '#libs/platform/postgres/database.ts';

export type { Difference, RunMode, RunProgress, RunScope, Tally, Verdict } from '#libs/domain/run.ts';

/** What a run is given by those who keep its books. */
export interface RunContext {
  readonly runId: string;
  readonly mode: RunMode;
  readonly scope: RunScope;
  /** Compare, repair nothing. */
  readonly dryRun: boolean;
  /** Aborts when the run was cancelled, when the process stops, and when the run is no longer this process's. */
  readonly signal: AbortSignal;
  /** Called now and then; what is shown while it runs. Half an hour without a call counts as hanging. */
  progress(done: RunProgress): void;
  /**
   * To be the first statement of each of the run's writing transactions: until that one ends, nobody can take the run
   * over. A transaction that then rests for as long as a lease is ended by the server.
   * @throws the signal's reason once it has aborted; RunGuardError when the run was cancelled, or is no longer this
   * process's, and the signal has not heard of it yet
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
 * Does the work of runs, one at a time. A run may be begun again from the start at any moment, by another process too.
 * It resolves only when all of it was done; told to stop by the signal it rejects, and soon: what does not end within
 * some seconds is left alone and loses the run. A database that is away is an error of its driver (`isDatabaseFault`):
 * the run is then begun again later. Any other error ends the run as failed, with its message as the reason.
 */
export interface Runner {
  run(context: RunContext): Promise<RunResult>;
}

/** What a runner is made of. It opens connections to the source itself, and puts what it opens into the lifecycle. */
export interface RunnerParts {
  readonly config: SettingValues;
  readonly settings: FeatureSettings;
  /** The analytics database; a pool that others use too. */
  readonly db: Database;
  readonly analytics: DatabaseAddress;
  readonly source: DatabaseAddress;
  readonly clock: Clock;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
}

export type OpenRunner = (parts: RunnerParts) => Runner | Promise<Runner>;
