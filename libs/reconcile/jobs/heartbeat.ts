import type { RunProgress } from '#libs/domain/run.ts';
import type { Log } from '#libs/platform/log.ts';
import { type Database, isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { sleep } from '#libs/platform/retry.ts';
import { renewRun } from '#libs/store/runs/runs.ts';
import type { StopCause } from './errors.ts';
import type { RunTiming } from './timing.ts';

export interface HeartbeatOptions {
  readonly db: Database;
  readonly runId: string;
  readonly owner: string;
  readonly timing: RunTiming;
  readonly log: Log;
  /** Called when the run has to stop. */
  tell(cause: StopCause): void;
}

export interface Heartbeat {
  /** Notes the run's progress, which is stored with the next beat. */
  progress(done: RunProgress): void;
  /** Stops further beats. Does not wait for one that is under way. */
  stop(): void;
}

/**
 * Renews the lease of a run for as long as its process lives, and learns of cancellations. A database that does not answer
 * is no reason to stop: the next beat shows whether the run is still ours.
 */
export function startHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { db, runId, owner, timing, log, tell } = options;
  const stopping = new AbortController();
  let progress: RunProgress | null = null;
  let movedAt = performance.now();
  const beat = async (): Promise<void> => {
    if (performance.now() - movedAt > timing.silenceMs) tell('silent');
    const renewed = await renewRun(db, runId, owner, timing.leaseMs, progress);
    if (stopping.signal.aborted) return;
    if (renewed === null) tell('lost');
    else if (renewed.cancelRequested) tell('cancelled');
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await beat();
      } catch (error) {
        const level = isDatabaseFault(error) ? 'warn' : 'error';
        log[level]({ err: error, runId }, 'the lease of a run could not be renewed; trying again');
      }
      await sleep(timing.heartbeatMs, stopping.signal);
    }
  };
  run().catch((error: unknown) => log.error({ err: error, runId }, 'the heartbeat of a run ended'));
  return {
    progress: (done) => {
      progress = done;
      movedAt = performance.now();
    },
    stop: () => stopping.abort(),
  };
}
