import { Backoff } from '#libs/platform/retry.ts';

const FIRST_LOOK_MS = 2;
const LAST_LOOK_MS = 50;
/** After waiting this long, and then as often, we report what we are waiting for. */
const SAY_EVERY_MS = 5_000;

/** Reports what the run is doing. */
export type Say = (phase: string) => void;

/**
 * Asks until there is an answer, at growing intervals, and reports that it is waiting.
 * @param ask resolves with undefined while there is no answer
 * @param what we are waiting for, in words for people; it may change meanwhile
 * @throws the signal's reason as soon as it aborts
 */
export async function waitFor<T>(
  ask: () => Promise<T | undefined>,
  what: () => string,
  say: Say,
  signal: AbortSignal,
): Promise<T> {
  let saidAt = performance.now();
  const backoff = new Backoff({ first: FIRST_LOOK_MS, last: LAST_LOOK_MS });
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask();
    signal.throwIfAborted();
    if (answer !== undefined) return answer;
    if (performance.now() - saidAt >= SAY_EVERY_MS) {
      say(`waiting for ${what()}`);
      saidAt = performance.now();
    }
    await backoff.wait(signal);
  }
}
