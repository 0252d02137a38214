import type { UnrecoverableError } from '#libs/domain/errors.ts';
import { type Loop, startLoop } from '#libs/platform/loop/loop.ts';
import type { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import { claimRun, endDeadRuns } from '#libs/store/runs/runs.ts';
import { attemptRun, type JobParts } from './attempt.ts';

/**
 * Takes the run that waits, whoever asked for it, or whose process is gone, and brings it to its end. Any number of
 * processes may do so: one of them gets it.
 * @param wake says that a run was asked for; the executor looks by itself once a second besides
 * @param onFailure told of what keeps this process from executing any run; it is to end, and others execute them
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
