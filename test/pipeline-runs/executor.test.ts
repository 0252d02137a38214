import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { UnrecoverableError } from '#libs/domain/errors.ts';
import { aborted } from '#libs/platform/lifecycle.ts';
import type { Loop } from '#libs/platform/loop/loop.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import type { Runner } from '#libs/reconcile/contract.ts';
import { RunGuardError, RunStoppedError } from '#libs/reconcile/jobs/errors.ts';
import { startExecutor } from '#libs/reconcile/jobs/executor.ts';
import { runOnce } from '#libs/reconcile/jobs/once.ts';
import type { RunTiming } from '#libs/reconcile/jobs/timing.ts';
import { cancelRun } from '#libs/store/runs/runs.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { interpose } from '../support/interpose.ts';
import {
  ALL_EQUAL,
  ask,
  databaseFault,
  ended,
  endless,
  FakeRunner,
  forgetRuns,
  Gate,
  jobParts,
  read,
  resultOf,
  until,
} from './support.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('runs_executor');
});
afterAll(() => analytics.drop());
beforeEach(() => forgetRuns(analytics.db));

const running: Loop[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((loop) => loop.stop()));
});

/** As another process would, only without the process. */
function execute(runner: Runner, timing: Partial<RunTiming> = {}, db = analytics.db): Loop {
  const loop = startExecutor(jobParts(db, runner, timing), new WorkSignal());
  running.push(loop);
  return loop;
}

/** A database that fails the first two times that a statement is run. */
function failingTwice(db: Database, name: string): { readonly db: Database; left(): number } {
  let failures = 2;
  const flaky = interpose(db, (statement, when) => {
    if (when !== 'before' || !statement.includes(name) || failures === 0) return;
    failures -= 1;
    throw databaseFault();
  });
  return { db: flaky, left: () => failures };
}

describe('a run', () => {
  test('is given what was asked for, shows how far it is, and ends with its verdict', async () => {
    const { db } = analytics;
    const gate = new Gate();
    const runner = new FakeRunner(async ({ progress }) => {
      progress({ phase: 'comparing grades', done: 10, total: 100 });
      await gate.opened;
      return resultOf();
    });
    const id = await ask(db, { dryRun: true, scope: { courseId: 2 } });
    execute(runner);
    const midway = await until(db, id, (run) => run.progress !== null);
    expect(midway).toMatchObject({ status: 'running', progress: { phase: 'comparing grades', done: 10, total: 100 } });
    expect(runner.contexts[0]).toMatchObject({ runId: id, mode: 'reconcile', dryRun: true, scope: { courseId: 2 } });
    gate.open();
    expect(await until(db, id, ended)).toMatchObject({
      status: 'succeeded',
      attempts: 1,
      reason: null,
      verdict: ALL_EQUAL,
      recordsProcessed: 5,
      recordsFailed: 0,
    });
  });

  test('that takes longer than a lease keeps it', async () => {
    const { db } = analytics;
    const slow = new FakeRunner(async () => {
      await sleep(2_500);
      return resultOf();
    });
    const id = await ask(db);
    execute(slow);
    execute(slow);
    expect(await until(db, id, ended)).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(slow.contexts).toHaveLength(1);
  });

  test('goes to one of several processes, and the next one to whichever is free', async () => {
    const { db } = analytics;
    const runners = Array.from({ length: 3 }, () => new FakeRunner());
    for (const runner of runners) execute(runner);
    for (let n = 1; n <= 5; n += 1) {
      await until(db, await ask(db), ended);
      expect(runners.flatMap((runner) => runner.contexts)).toHaveLength(n);
    }
  });
});

describe('a run that fails', () => {
  test('for want of a database is begun again after a while, which grows, and then succeeds', async () => {
    const { db } = analytics;
    const began: number[] = [];
    const runner = new FakeRunner((_, attempt) => {
      began.push(performance.now());
      if (attempt < 3) throw databaseFault();
      return resultOf();
    });
    const id = await ask(db);
    execute(runner, { retryMs: [1_200, 2_400] });
    const waiting = await until(db, id, (run) => run.attempts === 1 && run.status === 'queued');
    expect(waiting.reason).toBe('attempt 1: connect ECONNREFUSED 127.0.0.1:5432 (ECONNREFUSED)');
    expect(waiting.nextAttemptAt.getTime()).toBeGreaterThan(Date.now());
    expect(await until(db, id, ended)).toMatchObject({ status: 'succeeded', attempts: 3, reason: null });
    const [first = 0, second = 0, third = 0] = began;
    expect(second - first).toBeGreaterThan(1_150);
    expect(third - second).toBeGreaterThan(2_350);
  });

  test('for want of a database has failed after the third time, with the reason', async () => {
    const { db } = analytics;
    const runner = new FakeRunner(() => Promise.reject(databaseFault()));
    const id = await ask(db);
    execute(runner);
    const run = await until(db, id, ended);
    expect(run).toMatchObject({ status: 'failed', attempts: 3, verdict: null });
    expect(run.reason).toBe('attempt 3, the last: connect ECONNREFUSED 127.0.0.1:5432 (ECONNREFUSED)');
    expect(runner.contexts).toHaveLength(3);
  });

  test('by itself has failed at once; the next one is not held up', async () => {
    const { db } = analytics;
    const runner = new FakeRunner((_, attempt) => {
      if (attempt === 1) throw new TypeError('undefined is not iterable');
      return resultOf();
    });
    const id = await ask(db);
    execute(runner);
    expect(await until(db, id, ended)).toMatchObject({
      status: 'failed',
      attempts: 1,
      reason: 'undefined is not iterable',
    });
    expect(await until(db, await ask(db), ended)).toMatchObject({ status: 'succeeded' });
  });

  test('by moving no more is told to stop and begun again', async () => {
    const { db } = analytics;
    const runner = new FakeRunner(async ({ signal }, attempt) => {
      if (attempt === 1) await sleep(60_000, undefined, { signal });
      return resultOf();
    });
    const id = await ask(db);
    execute(runner, { silenceMs: 300 });
    expect(await until(db, id, ended)).toMatchObject({ status: 'succeeded', attempts: 2 });
    expect(runner.contexts[0]?.signal.reason).toMatchObject({ stopCause: 'silent' });
  });
});

describe('a run that is cancelled', () => {
  test('stops, and is cancelled', async () => {
    const { db } = analytics;
    const id = await ask(db);
    execute(endless);
    await until(db, id, (run) => run.status === 'running');
    await cancelRun(db, id);
    expect(await until(db, id, ended)).toMatchObject({ status: 'cancelled', reason: 'cancelled', verdict: null });
  });

  test('and does not care: its transactions write nothing, it loses its lease, and the next one begins', async () => {
    const { db } = analytics;
    const gate = new Gate();
    let late: unknown;
    const deaf = new FakeRunner(async ({ guard }, attempt) => {
      if (attempt > 1) return resultOf();
      await gate.opened;
      late = await db.transaction(guard).catch((error: unknown) => error);
      return resultOf();
    });
    const id = await ask(db);
    execute(deaf);
    await until(db, id, (run) => run.status === 'running');
    await cancelRun(db, id);
    expect(await until(db, id, ended)).toMatchObject({ status: 'cancelled' });
    expect(await until(db, await ask(db), ended)).toMatchObject({ status: 'succeeded' });
    // All of that happens while the run still works.
    expect(late).toBeUndefined();
    gate.open();
    await sleep(100);
    expect(late).toBeInstanceOf(RunStoppedError);
    expect(await read(db, id)).toMatchObject({ status: 'cancelled', verdict: null });
  });
});

test('a zombie: while its process slept another one took the run; its writing transaction throws and undoes nothing', async () => {
  const { db } = analytics;
  await db.query('CREATE TABLE IF NOT EXISTS written (by text)');
  const gate = new Gate();
  const outcome = new Gate();
  let refused: unknown;
  // The zombie's renewals fail to reach the database, as if its machine had been asleep.
  const asleep = interpose(db, (statement, when) => {
    if (when === 'before' && statement.includes('run_renew')) throw databaseFault();
  });
  const zombie = new FakeRunner(async ({ guard }) => {
    await gate.opened;
    refused = await db
      .transaction(async (tx) => {
        await guard(tx);
        await tx.query("INSERT INTO written VALUES ('zombie')");
      })
      .catch((error: unknown) => error);
    outcome.open();
    throw refused;
  });
  const heir = new FakeRunner(async ({ guard }) => {
    await db.transaction(async (tx) => {
      await guard(tx);
      await tx.query("INSERT INTO written VALUES ('heir')");
    });
    gate.open();
    await outcome.opened;
    return resultOf();
  });
  const id = await ask(db);
  execute(zombie, {}, asleep);
  await until(db, id, (run) => run.status === 'running');
  execute(heir);
  expect(await until(db, id, ended)).toMatchObject({ status: 'succeeded', attempts: 2, verdict: ALL_EQUAL });
  expect(refused).toBeInstanceOf(RunGuardError);
  expect(await db.query('SELECT by FROM written')).toEqual([{ by: 'heir' }]);
});

test('a process that is told to stop gives its run back, and the attempt does not count', async () => {
  const { db } = analytics;
  const id = await ask(db);
  const first = execute(endless);
  await until(db, id, (run) => run.status === 'running');
  await first.stop();
  expect(await read(db, id)).toMatchObject({ status: 'queued', attempts: 0 });
  execute(new FakeRunner());
  expect(await until(db, id, ended)).toMatchObject({ status: 'succeeded', attempts: 1 });
});

test('a process that is told to stop when its run has just finished writes the verdict down', async () => {
  const { db } = analytics;
  const id = await ask(db);
  const finishing = new Gate();
  const first = execute(
    new FakeRunner(async ({ signal }) => {
      finishing.open();
      // Its last step cannot be interrupted, and ends just when it is told to stop.
      await aborted(signal);
      return resultOf();
    }),
  );
  await finishing.opened;
  await first.stop();
  expect(await read(db, id)).toMatchObject({ status: 'succeeded', attempts: 1, verdict: ALL_EQUAL });
});

test('a process whose settings are no longer in force gives its run back, and is told to end', async () => {
  const { db } = analytics;
  const id = await ask(db);
  const failures: Error[] = [];
  const outdated = new FakeRunner(() =>
    Promise.reject(new UnrecoverableError('settings_changed', 'others', 'start again')),
  );
  const loop = startExecutor(jobParts(db, outdated), new WorkSignal(), (error) => failures.push(error));
  await expect.poll(() => failures.length).toBeGreaterThan(0);
  await loop.stop();
  expect(await read(db, id)).toMatchObject({ status: 'queued', attempts: 0 });
  execute(new FakeRunner());
  expect(await until(db, id, ended)).toMatchObject({ status: 'succeeded', attempts: 1 });
});

test('whose cancelling failed for want of a database is cancelled when that is back', async () => {
  const { db } = analytics;
  const flaky = failingTwice(db, 'run_cancel');
  const id = await ask(db);
  const interrupted = new AbortController();
  const run = runOnce(jobParts(flaky.db, endless), id, interrupted.signal, () => {});
  await until(db, id, ({ status }) => status === 'running');
  interrupted.abort();
  expect(await run).toMatchObject({ status: 'cancelled' });
  expect(flaky.left()).toBe(0);
});

test('the analytics database is away just when the run ends: the verdict is written when it is back', async () => {
  const { db } = analytics;
  const flaky = failingTwice(db, 'run_end');
  const runner = new FakeRunner();
  const id = await ask(db);
  execute(runner, {}, flaky.db);
  expect(await until(db, id, ended)).toMatchObject({ status: 'succeeded', attempts: 1, verdict: ALL_EQUAL });
  expect(flaky.left()).toBe(0);
  expect(runner.contexts).toHaveLength(1);
});
