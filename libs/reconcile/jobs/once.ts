import { hasEnded } from '#libs/domain/run.ts';
import { isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { retryWhileUnavailable, sleep } from '#libs/platform/retry.ts';
import { cancelRun, claimRun, endDeadRuns, findRun, type PipelineRun } from '#libs/store/runs/runs.ts';
import { attemptRun, type JobParts } from './attempt.ts';

const LOOK_EVERY_MS = 500;

/**
 * Brings one queued run to its end and returns how it ended. If another process claims it first or takes it over, its
 * progress there is followed.
 * @param signal aborts when the run is to be cancelled
 * @param show called regularly with the run's progress
 */
export async function runOnce(
  parts: JobParts,
  runId: string,
  signal: AbortSignal,
  show: (run: PipelineRun) => void,
): Promise<PipelineRun> {
  const over = new AbortController();
  const cancel = (): void => {
    retryWhileUnavailable(() => cancelRun(parts.db, runId), {
      signal: over.signal,
      onUnavailable: (error) => parts.log.error({ err: error }, 'the run could not be cancelled; trying again'),
    }).catch(() => {});
  };
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  try {
    for (;;) {
      const ended = await step(parts, runId, show);
      if (ended !== null) return ended;
      await sleep(LOOK_EVERY_MS);
    }
  } finally {
    signal.removeEventListener('abort', cancel);
    over.abort();
  }
}

/** Null: the run has not ended, or its state could not be read. */
async function step(parts: JobParts, runId: string, show: (run: PipelineRun) => void): Promise<PipelineRun | null> {
  try {
    await endDeadRuns(parts.db);
    const claimed = await claimRun(parts.db, parts.owner, parts.timing.leaseMs, runId);
    // Never told to stop: who wants it to end cancels it, which its heartbeat notices.
    if (claimed !== undefined) await attemptRun(parts, claimed, new AbortController().signal);
    const run = await findRun(parts.db, runId);
    if (run === undefined) throw new Error(`run ${runId} is gone from state.pipeline_run`);
    show(run);
    return hasEnded(run.status) ? run : null;
  } catch (error) {
    if (!isDatabaseFault(error)) throw error;
    parts.log.warn({ err: error, runId }, 'the analytics database does not answer; looking again');
    return null;
  }
}
