import { setTimeout as sleep } from 'node:timers/promises';

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
  for (let look = FIRST_LOOK_MS; ; look = Math.min(LAST_LOOK_MS, look * 2)) {
    signal.throwIfAborted();
    const answer = await ask();
    signal.throwIfAborted();
    if (answer !== undefined) return answer;
    if (performance.now() - saidAt >= SAY_EVERY_MS) {
      say(`waiting for ${what()}`);
      saidAt = performance.now();
    }
    await pause(look, signal);
  }
}

/** @throws the signal's reason as soon as it aborts */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
  signal.throwIfAborted();
}
