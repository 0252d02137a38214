import { messageOf, UnrecoverableError } from '#libs/domain/errors.ts';
import { BrokerFault } from '../kafka/contract.ts';
import type { Log } from '../log.ts';
import { isDatabaseFault } from '../postgres/database.ts';
import { RegistryFault } from '../registry/contract.ts';
import { Backoff } from '../retry.ts';
import type { WorkSignal } from './work-signal.ts';

/** What one step of a loop found: more work at once, nothing to do, work that somebody else is doing, or a reason to rest. */
export type StepOutcome = 'more' | 'idle' | 'contended' | 'resting';

export interface LoopOptions {
  readonly name: string;
  readonly wake: WorkSignal;
  readonly log: Log;
  step(): Promise<StepOutcome>;
  /** Called with an error that retrying does not fix; absent: it is a trouble like any other. */
  readonly onFailure?: (error: UnrecoverableError) => void;
  /** How often to look for work without being woken. Milliseconds. */
  readonly pollMs?: number;
}

export interface Loop {
  /** For readiness: what has been failing; null while all is well. */
  readonly trouble: string | null;
  /** Resolves when the running step has ended. */
  stop(): Promise<void>;
}

const CONTENDED_PAUSE_MS = 10;
const RESTING_PAUSE_MS = 100;

/** Runs `step` until there is nothing to do, then waits to be woken. Failures are retried for ever, visibly. */
export function startLoop(options: LoopOptions): Loop {
  const stopping = new AbortController();
  const state: { trouble: string | null } = { trouble: null };
  const running = run(options, stopping.signal, state);
  return {
    get trouble() {
      return state.trouble;
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function run(options: LoopOptions, signal: AbortSignal, state: { trouble: string | null }): Promise<void> {
  const { name, wake, log, step, onFailure, pollMs = 1_000 } = options;
  const backoff = new Backoff();
  while (!signal.aborted) {
    const seen = wake.count;
    try {
      const outcome = await step();
      if (state.trouble !== null) log.info({ loop: name }, `${name} is working again`);
      state.trouble = null;
      backoff.reset();
      if (outcome === 'idle') await wake.after(seen, pollMs, signal);
      if (outcome === 'contended') await wake.after(wake.count, CONTENDED_PAUSE_MS, signal);
      if (outcome === 'resting') await wake.after(wake.count, RESTING_PAUSE_MS, signal);
    } catch (error) {
      const message = messageOf(error);
      const away = whatIsAway(error);
      const trouble = away === null ? `${name} fails: ${message}` : `${name} waits for ${away}: ${message}`;
      if (trouble !== state.trouble) log.error({ loop: name, err: error }, trouble);
      state.trouble = trouble;
      if (error instanceof UnrecoverableError) onFailure?.(error);
      await backoff.wait(signal);
    }
  }
}

/** What has to come back before a retry can succeed; null if the step itself is to blame. */
function whatIsAway(error: unknown): string | null {
  if (error instanceof BrokerFault) return 'the Kafka cluster';
  if (error instanceof RegistryFault) return 'the schema registry';
  return isDatabaseFault(error) ? 'the analytics database' : null;
}
