import { setTimeout as timer } from 'node:timers/promises';
import { UnrecoverableError } from '#libs/domain/errors.ts';
import { totalsOf } from '#libs/domain/run.ts';
import { aborted } from '#libs/platform/lifecycle.ts';
import type { Log } from '#libs/platform/log.ts';
import { type Database, isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { sleep } from '#libs/platform/retry.ts';
import { type ClaimedRun, endRun, guardRun, MAX_ATTEMPTS, type RunEnd, releaseRun } from '#libs/store/runs/runs.ts';
import type { Runner, RunResult } from '../contract.ts';
import { RunDeafError, RunGuardError, RunStoppedError, reasonOf, type StopCause } from './errors.ts';
import { type Heartbeat, startHeartbeat } from './heartbeat.ts';
import type { RunTiming } from './timing.ts';

export interface JobParts {
  readonly db: Database;
  readonly runner: Runner;
  readonly log: Log;
  /** A UUID that identifies this process as the owner of runs. */
  readonly owner: string;
  readonly timing: RunTiming;
}

/** How an attempt ended: with a result, or with what was thrown. */
type Outcome = { readonly result: RunResult } | { readonly error: unknown };

const DATABASE_PAUSE_MS = 1_000;

/**
 * Attempts a claimed run once and records the outcome: ended, to be begun again, or given back.
 * @param stopping aborts when the process stops; the run is then given back
 * @throws UnrecoverableError when this process can do neither this run nor any other; the run is given back, too
 */
export async function attemptRun(parts: JobParts, run: ClaimedRun, stopping: AbortSignal): Promise<void> {
  const { db, owner, timing, log } = parts;
  const told = new AbortController();
  const tell = (cause: StopCause): void => told.abort(new RunStoppedError(cause));
  const heartbeat = startHeartbeat({ db, runId: run.runId, owner, timing, log, tell });
  const onStop = (): void => tell('stopping');
  if (stopping.aborted) onStop();
  stopping.addEventListener('abort', onStop, { once: true });
  log.info({ ...run }, `a ${run.mode} run begins, attempt ${run.attempts}`);
  try {
    const outcome = await work(parts, run, heartbeat, told.signal);
    // The run stays ours while we wait for an absent database to record the outcome.
    await whenThere(log, stopping, () => settle(parts, run, outcome, told.signal));
  } finally {
    stopping.removeEventListener('abort', onStop);
    heartbeat.stop();
  }
}

/** Never rejects. A run that does not stop when told to is abandoned after a while. */
async function work(
  { runner, owner, timing }: JobParts,
  run: ClaimedRun,
  heartbeat: Heartbeat,
  signal: AbortSignal,
): Promise<Outcome> {
  const running = async (): Promise<RunResult> =>
    runner.run({
      runId: run.runId,
      mode: run.mode,
      scope: run.scope,
      dryRun: run.dryRun,
      signal,
      progress: (done) => heartbeat.progress(done),
      guard: async (tx) => {
        signal.throwIfAborted();
        if (!(await guardRun(tx, run.runId, owner, timing.leaseMs))) throw new RunGuardError(run.runId);
      },
    });
  const deaf = async (): Promise<Outcome> => {
    await aborted(signal);
    await timer(timing.graceMs, undefined, { ref: false });
    return { error: new RunDeafError() };
  };
  const ended = running().then(
    (result): Outcome => ({ result }),
    (error: unknown): Outcome => ({ error }),
  );
  return Promise.race([ended, deaf()]);
}

async function settle(parts: JobParts, run: ClaimedRun, outcome: Outcome, signal: AbortSignal): Promise<void> {
  const { db, owner, log, timing } = parts;
  const cause = signal.reason instanceof RunStoppedError ? signal.reason.stopCause : null;
  const error = 'error' in outcome ? outcome.error : null;
  if (error instanceof RunDeafError) {
    // It may still write until its guard stops it. Once its lease has run out, the run is ended or begun again.
    log.error({ runId: run.runId, cause }, `${error.message}; it is left alone`);
    return;
  }
  if (cause === 'lost') {
    log.warn({ runId: run.runId }, 'another process has taken the run over');
    return;
  }
  if (cause === 'stopping' && !('result' in outcome)) {
    await releaseRun(db, run.runId, owner, null);
    log.info({ runId: run.runId }, 'the run is given back: the process stops');
    return;
  }
  if (error instanceof UnrecoverableError) {
    // The fault lies in this process, such as settings that are no longer in force: another one may succeed.
    await releaseRun(db, run.runId, owner, null);
    throw error;
  }
  if (cause === 'cancelled' || error instanceof RunGuardError) {
    // If another process took the run over, that one ends it; otherwise the guard has found it cancelled.
    await end(parts, run, { status: 'cancelled', reason: 'cancelled' });
    return;
  }
  // A finished run need not be repeated because the process stops just then.
  if ('result' in outcome && (cause === null || cause === 'stopping')) {
    const { verdict, recordsProcessed, recordsFailed } = outcome.result;
    log.info({ runId: run.runId, ...totalsOf(verdict) }, 'the verdict');
    await end(parts, run, { status: 'succeeded', reason: null, verdict, recordsProcessed, recordsFailed });
    return;
  }
  const failure = cause === 'silent' ? signal.reason : error;
  const again = (cause === 'silent' || isDatabaseFault(failure)) && run.attempts < MAX_ATTEMPTS;
  const reason = reasonOf(failure);
  if (!again) {
    await end(parts, run, { status: 'failed', reason: attemptsOf(run) + reason });
    log.error({ runId: run.runId, err: failure }, `the run failed: ${reason}`);
    return;
  }
  const afterMs = timing.retryMs[run.attempts - 1] ?? timing.retryMs.at(-1) ?? 0;
  await releaseRun(db, run.runId, owner, { reason: `attempt ${run.attempts}: ${reason}`, afterMs });
  log.warn({ runId: run.runId, err: failure, afterMs }, `the run is begun again in ${afterMs / 1000} s: ${reason}`);
}

const attemptsOf = ({ attempts }: ClaimedRun): string => (attempts === 1 ? '' : `attempt ${attempts}, the last: `);

async function end({ db, owner, log }: JobParts, run: ClaimedRun, how: RunEnd): Promise<void> {
  const { runId } = run;
  if (await endRun(db, runId, owner, how)) log.info({ runId, status: how.status }, `the run has ended: ${how.status}`);
  else log.warn({ runId }, 'the run came to its end here, but another process has taken it over');
}

/** Retries for as long as the database is away. */
async function whenThere(log: Log, stopping: AbortSignal, write: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await write();
      return;
    } catch (error) {
      if (!isDatabaseFault(error) || stopping.aborted) throw error;
      log.warn({ err: error }, 'the end of a run cannot be written down; trying again each second');
      await sleep(DATABASE_PAUSE_MS, stopping);
    }
  }
}
