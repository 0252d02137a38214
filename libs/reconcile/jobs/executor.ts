import type { UnrecoverableError } from '#libs/domain/errors.ts';
import { type Loop, startLoop } from '#libs/platform/loop/loop.ts';
import type { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import { claimRun, endDeadRuns } from '#libs/store/runs/runs.ts';
import { attemptRun, type JobParts } from './attempt.ts';

/**
 * Takes the next run that is waiting or whose process is gone, whoever requested it, and brings it to its end. Any number
 * of processes may do so: only one gets it.
 * @param wake signals that a run was requested; the executor also checks by itself once a second
 * @param onFailure called with the error that keeps this process from executing any run; it should end and leave them to others
 */
export function startExecutor(
  parts: JobParts,
  wake: WorkSignal,
  onFailure?: (error: UnrecoverableError) => void,
): Loop {
  const stopping = new AbortController();
  const loop = startLoop({
    name: 'the executor of runs',
    wake,
    log: parts.log,
    ...(onFailure === undefined ? {} : { onFailure }),
    step: async () => {
      await endDeadRuns(parts.db);
      const run = await claimRun(parts.db, parts.owner, parts.timing.leaseMs);
      if (run === undefined) return 'idle';
      await attemptRun(parts, run, stopping.signal);
      return 'more';
    },
  });
  return {
    get trouble() {
      return loop.trouble;
    },
    stop: async () => {
      stopping.abort();
      await loop.stop();
    },
  };
}
