import type { Log } from './log.ts';
import { within } from './retry.ts';

/** Something that was started and can be stopped. */
export interface Part {
  readonly name: string;
  stop(): Promise<void>;
}

const DEADLINE_MS = 10_000;

/** Holds parts in the order of their start; stops them in reverse, each within a deadline, whatever the others do. */
export class Lifecycle {
  readonly #parts: Part[] = [];
  readonly #log: Log;
  #stopping: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  add(name: string, stop: () => Promise<void>): void {
    this.#parts.push({ name, stop });
  }

  /** Stops everything once; later calls await the same stop. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    for (const part of this.#parts.toReversed()) {
      const began = Date.now();
      try {
        await within(DEADLINE_MS, part.stop(), () => new Error(`not within ${DEADLINE_MS / 1000} s`));
        this.#log.info({ part: part.name, ms: Date.now() - began }, `${part.name} stopped`);
      } catch (error) {
        this.#log.error({ part: part.name, err: error }, `${part.name} did not stop cleanly`);
      }
    }
  }
}

/**
 * Calls `stop` at the first SIGINT, SIGTERM or SIGHUP; a second one exits at once, with code 1.
 * @param hangUp called at each SIGHUP instead
 * @returns removes the handlers again
 */
export function onSignals(stop: (signal: string) => void, hangUp?: () => void): () => void {
  let seen = false;
  const handle = (signal: string): void => {
    if (seen) process.exit(1);
    seen = true;
    stop(signal);
  };
  const handlers = { SIGINT: handle, SIGTERM: handle, SIGHUP: hangUp ?? handle };
  for (const [signal, handler] of Object.entries(handlers)) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of Object.entries(handlers)) process.off(signal, handler);
  };
}

/** Resolves when the signal aborts, or at once if it already has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** @throws the signal's reason as soon as it aborts; the work then ends by itself */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let forget: (() => void) | undefined;
  const ending = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    forget = () => signal.removeEventListener('abort', onAbort);
  });
  work.catch(() => {});
  return Promise.race([work, ending]).finally(forget);
}
