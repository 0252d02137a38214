import { describe, expect, test } from 'vitest';
import {
  Backoff,
  FIRST_RETRY_MS,
  LAST_RETRY_MS,
  pause,
  retryWhileUnavailable,
  sleep,
  within,
} from '#libs/platform/retry.ts';

const HOUR_MS = 3_600_000;
const never = (): AbortSignal => new AbortController().signal;
/** An aborted signal: waits end at once. */
const ended = (): AbortSignal => AbortSignal.abort(new Error('the end'));

test('a wait is twice as long each time, up to the longest', async () => {
  const backoff = new Backoff();
  const waits: number[] = [];
  for (let turn = 0; turn < 8; turn += 1) {
    waits.push(backoff.next);
    await backoff.wait(ended());
  }
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  backoff.reset();
  expect([backoff.next, FIRST_RETRY_MS, LAST_RETRY_MS]).toEqual([100, 100, 5_000]);
});

test('a first wait beyond the longest is the longest', () => {
  expect(new Backoff({ first: 250, last: 100 }).next).toBe(100);
});

test('a wait ends with the signal, which sleep and backoff tell nobody and pause does', async () => {
  const stopping = new AbortController();
  const waits = [
    sleep(HOUR_MS, stopping.signal),
    new Backoff({ first: HOUR_MS, last: HOUR_MS }).wait(stopping.signal),
    pause(HOUR_MS, stopping.signal),
  ];
  const settled = Promise.allSettled(waits);
  stopping.abort(new Error('the end'));
  expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  await expect(pause(HOUR_MS, ended())).rejects.toThrow('the end');
});

test('what is away is asked until it answers, and each failure is shown with the wait that follows', async () => {
  const shown: string[] = [];
  let tries = 0;
  const answer = await retryWhileUnavailable(
    async () => {
      tries += 1;
      if (tries < 4) throw new Error(`away ${tries}`);
      return 'there';
    },
    {
      signal: never(),
      backoff: new Backoff({ first: 1, last: 2 }),
      onUnavailable: (error, waitMs) => void shown.push(`${(error as Error).message}, ${waitMs} ms`),
    },
  );
  expect(answer).toBe('there');
  expect(shown).toEqual(['away 1, 1 ms', 'away 2, 2 ms', 'away 3, 2 ms']);
});

test('what no trying again fixes ends it', async () => {
  const work = retryWhileUnavailable(() => Promise.reject(new Error('wrong password')), {
    signal: never(),
    onUnavailable: (error) => {
      throw error;
    },
  });
  await expect(work).rejects.toThrow('wrong password');
});

test('the end cuts a wait short, and what fails after it is not shown', async () => {
  const stopping = new AbortController();
  const shown: unknown[] = [];
  const work = retryWhileUnavailable(() => Promise.reject(new Error('away')), {
    signal: stopping.signal,
    backoff: new Backoff({ first: HOUR_MS, last: HOUR_MS }),
    onUnavailable: (error) => void shown.push(error),
  });
  const check = expect(work).rejects.toThrow('the end');
  stopping.abort(new Error('the end'));
  await check;
  const failingAtTheEnd = retryWhileUnavailable(() => Promise.reject(new Error('away')), {
    signal: ended(),
    onUnavailable: (error) => void shown.push(error),
  });
  await expect(failingAtTheEnd).rejects.toThrow('the end');
  expect(shown.length).toBeLessThanOrEqual(1);
});

describe('within', () => {
  const late = () => new Error('late');

  test('is what the work is, if that comes in time', async () => {
    await expect(within(10_000, Promise.resolve(1), late)).resolves.toBe(1);
    await expect(within(10_000, Promise.reject(new Error('failed')), late)).rejects.toThrow('failed');
  });

  test('fails when the time is over, and nobody hears of a later failure', async () => {
    const work = sleep(20).then(() => Promise.reject(new Error('failed')));
    await expect(within(1, work, late)).rejects.toThrow('late');
    await sleep(40);
  });
});
