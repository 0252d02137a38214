import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openLog } from '#libs/platform/log.ts';
import { reconcileNewEpoch } from '#libs/reconcile/jobs/new-epoch.ts';
import { PGOUTPUT_STREAM } from '#libs/source/contract.ts';
import { claimRun, endRun } from '#libs/store/runs/runs.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { NOTHING } from '../support/nothing.ts';
import { ask, beginEpoch, forgetEpochs, forgetRuns, read, stageEpoch, streamEpoch, takeInEpoch } from './support.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('runs_new_epoch');
});
afterAll(() => analytics.drop());
beforeEach(async () => {
  await forgetRuns(analytics.db);
  await forgetEpochs(analytics.db);
});

const look = () => reconcileNewEpoch(analytics.db, openLog('silent'));
const takeIn = () => takeInEpoch(analytics.db);
const begin = () => beginEpoch(analytics.db);
const stage = (epoch: number, partitions?: number) => stageEpoch(analytics.db, epoch, partitions);

const OWNER = '00000000-0000-4000-8000-000000000001';

async function execute(status: 'succeeded' | 'failed' = 'succeeded'): Promise<void> {
  const run = await claimRun(analytics.db, OWNER, 60_000);
  if (run === undefined) throw new Error('no run waits');
  await endRun(analytics.db, run.runId, OWNER, { status, reason: status === 'failed' ? 'so it is' : null });
}

test('a new epoch is reconciled once its initial snapshot is taken in, and once, by however many', async () => {
  await takeIn();
  const epoch = await begin();
  expect(await look()).toBeNull();
  await streamEpoch(analytics.db, epoch);
  expect(await look()).toBeNull();
  await stage(epoch, 9);
  expect(await look()).toBeNull();
  await stage(epoch);
  const asked = (await Promise.all([look(), look(), look()])).filter((id) => id !== null);
  expect(asked).toHaveLength(1);
  expect(await read(analytics.db, asked[0] ?? '')).toMatchObject({
    mode: 'reconcile',
    scope: NOTHING,
    dryRun: false,
    requestedBy: 'schedule',
  });
  await execute();
  expect(await look()).toBeNull();
  await takeIn();
  expect(await look()).not.toBeNull();
});

test('the very first epoch is not: nothing older can be there', async () => {
  await takeIn();
  expect(await look()).toBeNull();
});

test('one that follows an epoch without Kafka is', async () => {
  await beginEpoch(analytics.db, PGOUTPUT_STREAM);
  await takeIn();
  expect(await look()).not.toBeNull();
});

test('a run that failed is left to the schedule', async () => {
  await takeIn();
  await takeIn();
  expect(await look()).not.toBeNull();
  await execute('failed');
  expect(await look()).toBeNull();
});

test('a run that is under way is waited for, and counts if everything was asked for since the epoch began', async () => {
  await takeIn();
  await ask(analytics.db);
  await takeIn();
  expect(await look()).toBeNull();
  await execute();
  // It was asked for before the epoch began, and may have looked at tables before that.
  expect(await look()).not.toBeNull();
  await execute();
  for (const request of [{ dryRun: true }, { scope: { courseId: 1 } }, { mode: 'backfill' as const }]) {
    await takeIn();
    await ask(analytics.db, request);
    await execute();
    expect(await look()).not.toBeNull();
    await execute();
  }
  await takeIn();
  await ask(analytics.db);
  await execute();
  expect(await look()).toBeNull();
});
