import { PrepaError } from '#libs/domain/errors.ts';

/** A transaction of a run may not write: the run was cancelled, or another process has taken it. */
export class RunGuardError extends PrepaError {
  constructor(runId: string) {
    super(
      'run_lost',
      `run ${runId} may not write any more: it was cancelled, or another process has taken it`,
      'nothing has to be done: whoever has the run now brings it to its end',
    );
    this.name = 'RunGuardError';
  }
}

/** Why a run is told to stop before its end. */
export type StopCause = 'cancelled' | 'lost' | 'stopping' | 'silent';

const SENTENCES: Readonly<Record<StopCause, string>> = {
  cancelled: 'the run was cancelled',
  lost: 'the run is no longer this process’s',
  stopping: 'the process stops',
  silent: 'the run did not move any more',
};

/** The abort reason of a run's signal. */
export class RunStoppedError extends Error {
  readonly stopCause: StopCause;

  constructor(stopCause: StopCause) {
    super(SENTENCES[stopCause]);
    this.name = 'RunStoppedError';
    this.stopCause = stopCause;
  }
}

/** The run did not stop when it was told to. */
export class RunDeafError extends Error {
  constructor() {
    super('the run did not stop when it was told to');
    this.name = 'RunDeafError';
  }
}

/** What went wrong and what to do, in one line, without the stack. */
export function reasonOf(error: unknown): string {
  if (error instanceof PrepaError) return `${error.message}; ${error.hint}`;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return error.message === '' ? error.name : error.message;
  return error.message === '' ? code : `${error.message} (${code})`;
}
