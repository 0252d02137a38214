import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';

const LONG = 60_000;
const never = (): AbortSignal => new AbortController().signal;

/** Whether a promise settles within a moment. */
async function settles(promise: Promise<void>, within = 30): Promise<boolean> {
  const settled = promise.then(() => true);
  return await Promise.race([settled, sleep(within, false)]);
}

describe('waiting to be woken', () => {
  test('ends with a wake', async () => {
    const wake = new WorkSignal();
    const waiting = wake.after(wake.count, LONG, never());
    expect(await settles(waiting)).toBe(false);
    wake.wake();
    expect(await settles(waiting)).toBe(true);
  });

  test('does not begin when there was a wake since the count that was seen', async () => {
    const wake = new WorkSignal();
    const seen = wake.count;
    wake.wake();
    expect(await settles(wake.after(seen, LONG, never()))).toBe(true);
  });

  test('does not end with a wake that was seen before', async () => {
    const wake = new WorkSignal();
    wake.wake();
    wake.wake();
    const stop = new AbortController();
    const waiting = wake.after(wake.count, LONG, stop.signal);
    expect(await settles(waiting)).toBe(false);
    stop.abort();
    expect(await settles(waiting)).toBe(true);
  });

  test('ends when the time is over', async () => {
    const wake = new WorkSignal();
    const began = performance.now();
    await wake.after(wake.count, 40, never());
    expect(performance.now() - began).toBeGreaterThanOrEqual(35);
  });

  test('ends when the signal aborts, and does not begin when it has', async () => {
    const wake = new WorkSignal();
    const stop = new AbortController();
    const waiting = wake.after(wake.count, LONG, stop.signal);
    stop.abort();
    expect(await settles(waiting)).toBe(true);
    expect(await settles(wake.after(wake.count, LONG, stop.signal))).toBe(true);
  });

  test('wakes everybody who waits', async () => {
    const wake = new WorkSignal();
    const waiting = [1, 2, 3].map(() => wake.after(wake.count, LONG, never()));
    wake.wake();
    expect(await Promise.all(waiting.map((one) => settles(one)))).toEqual([true, true, true]);
  });

  test('leaves no listener behind, however often', async () => {
    const wake = new WorkSignal();
    const stop = new AbortController();
    for (let n = 0; n < 20; n += 1) {
      const waiting = wake.after(wake.count, LONG, stop.signal);
      wake.wake();
      await waiting;
    }
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  });
});
