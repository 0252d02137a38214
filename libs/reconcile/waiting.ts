import { Backoff } from '#libs/platform/retry.ts';

const FIRST_LOOK_MS = 2;
const LAST_LOOK_MS = 50;
/** Who waits is seen to, from this long on and as often. */
const SAY_EVERY_MS = 5_000;

/** Says what is under way. */
export type Say = (phase: string) => void;

/**
 * Asks until there is an answer, ever more slowly, in sight.
 * @param ask undefined: not yet
 * @param what is waited for, for people; it may change while it is waited for
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
