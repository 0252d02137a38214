import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Role } from '#libs/pipeline/role.ts';
import { openLog } from '#libs/platform/log.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { parseSchedule } from '#libs/platform/schedule.ts';
import type { Runner } from '#libs/reconcile/contract.ts';
import { startExecutor } from '#libs/reconcile/jobs/executor.ts';
import { startReconcile } from '../../services/reconcile/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { NOTHING } from '../support/nothing.ts';
import {
  ask,
  ended,
  FakeRunner,
  forgetEpochs,
  forgetRuns,
  jobParts,
  QUICK,
  resultOf,
  takeInEpoch,
  until,
} from './support.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('runs_role');
});
afterAll(() => analytics.drop());
beforeEach(async () => {
  await forgetRuns(analytics.db);
  await forgetEpochs(analytics.db);
});

const roles: Role[] = [];
afterEach(async () => {
  await Promise.all(roles.splice(0).map((role) => role.stop()));
});

function start(runner: Runner, now?: () => number): Role {
  const { db, address } = analytics;
  const schedule = now === undefined ? null : parseSchedule('0 2 * * *');
  const clock = { now: now ?? Date.now };
  const log = openLog('silent');
  const role = startReconcile({ db, analytics: address, runner, schedule, clock, log, timing: QUICK });
  roles.push(role);
  return role;
}

test('hears at once of a run that is asked for, and does not wait until it looks by itself', async () => {
  const { db } = analytics;
  const timeOfThree = async (): Promise<number> => {
    await until(db, await ask(db), ended);
    const began = performance.now();
    for (let n = 0; n < 3; n += 1) {
      // Long enough for it to have looked again and found nothing.
      await sleep(50);
      await until(db, await ask(db), ended);
    }
    return performance.now() - began;
  };
  const role = start(new FakeRunner());
  const heard = await timeOfThree();
  await role.stop();
  // The same with an executor that receives no notifications.
  const deaf = startExecutor(jobParts(db, new FakeRunner()), new WorkSignal());
  try {
    expect(heard).toBeLessThan((await timeOfThree()) / 2);
  } finally {
    await deaf.stop();
  }
});

test('schedules and executes; several of them one run a night', async () => {
  const { db } = analytics;
  let now = Date.parse('2026-03-20T01:59:59Z');
  const runner = new FakeRunner();
  for (let n = 0; n < 3; n += 1) start(runner, () => now);
  await sleep(1_500);
  expect(runner.contexts).toHaveLength(0);
  now += 1_000;
  while (runner.contexts.length === 0) await sleep(20);
  await sleep(2_500);
  expect(runner.contexts).toHaveLength(1);
  const rows = await db.query('SELECT status, scheduled_for FROM state.pipeline_run');
  expect(rows).toEqual([{ status: 'succeeded', scheduled_for: new Date('2026-03-20T02:00:00Z') }]);
});

test('reconciles a new epoch over Kafka, whatever the schedule', async () => {
  const { db } = analytics;
  const runner = new FakeRunner();
  for (let n = 0; n < 2; n += 1) await takeInEpoch(db);
  start(runner);
  await vi.waitFor(() => expect(runner.contexts).toHaveLength(1), 20_000);
  expect(runner.contexts[0]).toMatchObject({ mode: 'reconcile', scope: NOTHING, dryRun: false });
});

test('every connection to the analytics database is cut in the middle of a run: the run goes on', async () => {
  const { db, address } = analytics;
  const runner = new FakeRunner(async () => {
    await sleep(1_200);
    return resultOf();
  });
  const role = start(runner);
  const id = await ask(db);
  await until(db, id, (run) => run.status === 'running');
  const killer = openDatabase({ ...address, database: 'postgres' }, { connections: 1 });
  await killer.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [address.database]);
  await killer.close();
  await sleep(100);
  expect(await until(db, id, ended)).toMatchObject({ status: 'succeeded', attempts: 1 });
  // Requests for runs are heard again, too.
  expect(await until(db, await ask(db), ended)).toMatchObject({ status: 'succeeded' });
  expect(role.troubles()).toEqual([]);
});
