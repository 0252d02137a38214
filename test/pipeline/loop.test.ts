import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import type { Log } from '#libs/platform/log.ts';
import { type Loop, type StepOutcome, startLoop } from '#libs/platform/loop/loop.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';

/** Longer than any test may take. */
const LONG = 3_600_000;
const running: Loop[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((loop) => loop.stop()));
});

interface Logged {
  readonly level: number;
  readonly msg: string;
}
const ERROR = 50;
const INFO = 30;

interface Observed {
  readonly loop: Loop;
  readonly wake: WorkSignal;
  /** When each step began, milliseconds. */
  readonly began: number[];
  readonly logged: Logged[];
}

/** A loop whose n-th step, from 0, does what the test says; polling is disabled unless asked for. */
function looping(step: (n: number) => StepOutcome | Promise<StepOutcome>, pollMs = LONG): Observed {
  const wake = new WorkSignal();
  const began: number[] = [];
  const logged: Logged[] = [];
  const log: Log = pino(
    { level: 'info', base: null },
    { write: (line: string) => logged.push(JSON.parse(line) as Logged) },
  );
  const loop = startLoop({
    name: 'the tester',
    wake,
    log,
    pollMs,
    step: async () => {
      began.push(performance.now());
      return await step(began.length - 1);
    },
  });
  running.push(loop);
  return { loop, wake, began, logged };
}

/** Waits for something to become true; the test's own timeout ends it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(2);
}
const moment = (): Promise<void> => sleep(40);

/** A promise, and the means to resolve it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((time, index) => time - (times[index] ?? 0));

describe('a loop', () => {
  test('steps again at once while there is more, then waits', async () => {
    const { began } = looping((n) => (n < 5 ? 'more' : 'idle'));
    await until(() => began.length === 6);
    await moment();
    expect(began).toHaveLength(6);
  });

  test('steps again when woken', async () => {
    const { began, wake } = looping(() => 'idle');
    await until(() => began.length === 1);
    wake.wake();
    await until(() => began.length === 2);
    await moment();
    expect(began).toHaveLength(2);
  });

  test('looks again by itself after a while', async () => {
    const { began } = looping(() => 'idle', 20);
    await until(() => began.length >= 4);
    for (const gap of gaps(began)) expect(gap).toBeGreaterThanOrEqual(15);
  });

  test('looks again soon when somebody else is at the work', async () => {
    const { began } = looping((n) => (n < 3 ? 'contended' : 'idle'));
    await until(() => began.length === 4);
    for (const gap of gaps(began)) expect(gap).toBeGreaterThanOrEqual(5);
  });

  test('steps never overlap, however often it is woken', async () => {
    let inside = 0;
    let most = 0;
    const { began, wake } = looping(async (): Promise<StepOutcome> => {
      inside += 1;
      most = Math.max(most, inside);
      await sleep(5);
      inside -= 1;
      return 'idle';
    });
    for (let n = 0; n < 20; n += 1) {
      wake.wake();
      await sleep(2);
    }
    await until(() => began.length >= 3);
    expect(most).toBe(1);
  });
});

describe('a wake while a step is at work', () => {
  test('is not lost: the loop steps again though that step found nothing', async () => {
    const { opened, open } = gate();
    const { began, wake } = looping(async (n): Promise<StepOutcome> => {
      if (n === 0) await opened;
      return 'idle';
    });
    await until(() => began.length === 1);
    wake.wake();
    await moment();
    open();
    await until(() => began.length === 2);
  });

  test('counts once, however often it comes', async () => {
    const { opened, open } = gate();
    const { began, wake } = looping(async (n): Promise<StepOutcome> => {
      if (n === 0) await opened;
      return 'idle';
    });
    await until(() => began.length === 1);
    for (let n = 0; n < 10; n += 1) wake.wake();
    open();
    await until(() => began.length === 2);
    await moment();
    expect(began).toHaveLength(2);
  });
});

describe('a step that fails', () => {
  const fail = (message: string): never => {
    throw new Error(message);
  };

  test('is tried again, after a time that doubles', async () => {
    const { began } = looping((n) => (n < 3 ? fail('broken') : 'idle'));
    await until(() => began.length === 4);
    const [first = 0, second = 0, third = 0] = gaps(began);
    expect(first).toBeGreaterThanOrEqual(95);
    expect(second).toBeGreaterThanOrEqual(195);
    expect(third).toBeGreaterThanOrEqual(395);
  });

  test('is seen as trouble, until one succeeds', async () => {
    const { loop, began } = looping((n) => (n < 2 ? fail('disk on fire') : 'idle'));
    expect(loop.trouble).toBeNull();
    await until(() => loop.trouble !== null);
    expect(loop.trouble).toContain('the tester');
    expect(loop.trouble).toContain('disk on fire');
    await until(() => began.length === 2);
    await moment();
    expect(loop.trouble).toContain('disk on fire');
    await until(() => began.length === 3);
    await moment();
    expect(loop.trouble).toBeNull();
  });

  test('starts over with the shortest time once one has succeeded', async () => {
    // 100, 200, 400 ms, a success, then 100 again instead of 800.
    const { began } = looping((n) => (n < 3 || n === 4 ? fail('broken') : n === 3 ? 'more' : 'idle'));
    await until(() => began.length === 6);
    expect(gaps(began).at(-1)).toBeLessThan(gaps(began)[2] ?? 0);
  });

  test('for want of a database says that it waits', async () => {
    const away = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' });
    const { loop } = looping((n) => {
      if (n === 0) throw away;
      return 'idle';
    });
    await until(() => loop.trouble !== null);
    expect(loop.trouble).toMatch(/the tester waits for the analytics database/);
  });

  test('is logged once for as long as it fails alike, and once when it works again', async () => {
    const { logged, began } = looping((n) => (n < 3 ? fail(n < 2 ? 'first' : 'second') : 'idle'));
    await until(() => began.length === 4);
    await moment();
    expect(logged.filter(({ level }) => level === ERROR).map(({ msg }) => msg)).toEqual([
      expect.stringContaining('first'),
      expect.stringContaining('second'),
    ]);
    expect(logged.filter(({ level }) => level === INFO)).toHaveLength(1);
  });

  test('may throw anything', async () => {
    const { loop } = looping((n) => {
      // A library may throw something other than an Error.
      if (n === 0) throw 'a bare text' as unknown;
      return 'idle';
    });
    await until(() => loop.trouble !== null);
    expect(loop.trouble).toContain('a bare text');
  });
});

describe('stopping', () => {
  test('awaits the running step, and none begins after it', async () => {
    const { opened, open } = gate();
    const { loop, began, wake } = looping(async (): Promise<StepOutcome> => {
      await opened;
      return 'more';
    });
    await until(() => began.length === 1);
    let stopped = false;
    const stopping = loop.stop().then(() => {
      stopped = true;
    });
    await moment();
    expect(stopped).toBe(false);
    open();
    await stopping;
    wake.wake();
    await moment();
    expect(began).toHaveLength(1);
  });

  test('does not wait for the next look', async () => {
    const { loop, began } = looping(() => 'idle');
    await until(() => began.length === 1);
    await moment();
    await loop.stop();
    expect(began).toHaveLength(1);
  });

  test('does not wait for the next try of a step that fails', async () => {
    const { loop, began } = looping(() => {
      throw new Error('broken');
    });
    await until(() => began.length === 4);
    // The next try would come after twice the last pause.
    const [last = 0] = gaps(began).slice(-1);
    await sleep(20);
    const asked = performance.now();
    await loop.stop();
    expect(performance.now() - asked).toBeLessThan(last);
    expect(began).toHaveLength(4);
  });

  test('may be asked for twice', async () => {
    const { loop } = looping(() => 'idle');
    await Promise.all([loop.stop(), loop.stop()]);
    await loop.stop();
  });
});
