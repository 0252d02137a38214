import { setTimeout as timer } from 'node:timers/promises';

/** The first and the longest wait between a failure that may pass by itself and the next attempt, milliseconds. */
export const FIRST_RETRY_MS = 100;
export const LAST_RETRY_MS = 5_000;

/** Resolves after `milliseconds`, or as soon as the signal aborts, leaving no timer behind. */
export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await timer(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => {});
}

/** @throws the signal's reason as soon as it aborts */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, signal);
  signal.throwIfAborted();
}

/**
 * The result of the work, if it comes in time; otherwise the work goes on, and nobody hears of its end.
 * @throws what `late` returns, when the time is over
 */
export function within<T>(milliseconds: number, work: Promise<T>, late: () => Error): Promise<T> {
  let clock: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    clock = setTimeout(() => reject(late()), milliseconds);
  });
  return Promise.race([work, over]).finally(() => clearTimeout(clock));
}

export interface BackoffOptions {
  /** The first wait, milliseconds. Default {@link FIRST_RETRY_MS}. */
  readonly first?: number;
  /** The longest wait, milliseconds. Default {@link LAST_RETRY_MS}. */
  readonly last?: number;
}

/** Waits twice as long each time, up to a limit, until it is reset. */
export class Backoff {
  readonly #first: number;
  readonly #last: number;
  #next: number;

  constructor({ first = FIRST_RETRY_MS, last = LAST_RETRY_MS }: BackoffOptions = {}) {
    this.#first = Math.min(first, last);
    this.#last = last;
    this.#next = this.#first;
  }

  /** How long the next wait will be, milliseconds. */
  get next(): number {
    return this.#next;
  }

  reset(): void {
    this.#next = this.#first;
  }

  /** Resolves after the wait, or as soon as the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    const milliseconds = this.#next;
    this.#next = Math.min(2 * milliseconds, this.#last);
    await sleep(milliseconds, signal);
  }
}

export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly backoff?: Backoff;
  /** Called before each wait, to report it. @throws an error that retrying does not fix, to give up */
  onUnavailable(error: unknown, waitMs: number): void | Promise<void>;
}

/**
 * Retries `work` until it succeeds, with growing pauses, while what it needs is away.
 * @throws the signal's reason as soon as it aborts; what `onUnavailable` throws
 */
export async function retryWhileUnavailable<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, backoff = new Backoff(), onUnavailable } = options;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      await onUnavailable(error, backoff.next);
    }
    await backoff.wait(signal);
  }
}
