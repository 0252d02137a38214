import type { Subscriber } from 'rxjs';
import { sleep } from '#libs/platform/retry.ts';
import type { ChangeBatch, Delivery } from './contract.ts';

/** Rejects whatever was being awaited when the subscriber unsubscribed. Not to be reported. */
export class Stopped extends Error {
  constructor() {
    super('the source was unsubscribed from');
    this.name = 'Stopped';
  }
}

/**
 * Hands one batch to the subscriber and resolves when it is done; a later or second `done()` does nothing.
 * @throws Stopped (as a rejection) when `signal` aborts first: the batch counts as not delivered
 */
export function handOver(subscriber: Subscriber<Delivery>, batch: ChangeBatch, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new Stopped());
      return;
    }
    const onAbort = (): void => reject(new Stopped());
    signal.addEventListener('abort', onAbort, { once: true });
    const done = (): void => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    subscriber.next({ batch, done });
  });
}

/** @throws Stopped as soon as the signal aborts */
export async function sleepUnlessStopped(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, signal);
  if (signal.aborted) throw new Stopped();
}
