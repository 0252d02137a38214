import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openLog } from '#libs/platform/log.ts';
import { Countdown } from '#libs/platform/time-left.ts';
import { reconcileNewEpoch } from '#libs/reconcile/jobs/new-epoch.ts';
import { readReadiness } from '#libs/serve/health.ts';
import { LastHour } from '#libs/serve/last-hour.ts';
import { newEpochTroubles } from '#libs/serve/new-epoch.ts';
import { readOperation } from '#libs/serve/operation.ts';
import { PGOUTPUT_STREAM } from '#libs/source/contract.ts';
import { noteSlotReader } from '#libs/store/progress/connector.ts';
import { cancelRun, claimRun, endRun } from '#libs/store/runs/runs.ts';
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

/** Moves the ends of all runs into the past. */
const pass = (minutes: number) =>
  analytics.db.query(
    'UPDATE state.pipeline_run SET finished_at = finished_at - make_interval(secs => 60 * $1::double precision)',
    [minutes],
  );

/** Moves the epochs and the requests of all runs into the past. */
const wait = (minutes: number) =>
  analytics.db.query(
    `WITH runs AS (UPDATE state.pipeline_run SET requested_at = requested_at - make_interval(mins => $1::integer))
     UPDATE state.epoch SET begun_at = begun_at - make_interval(mins => $1::integer),
       resumed_at = resumed_at - make_interval(mins => $1::integer)`,
    [minutes],
  );

test('an epoch that was resumed in the midst of a transaction is reconciled a minute later, and at most once an hour', async () => {
  const epoch = await takeIn();
  await noteSlotReader(analytics.db, epoch, 1, true);
  await wait(1);
  expect(await look(), 'nobody had read before').toBeNull();
  await noteSlotReader(analytics.db, epoch, 2, false);
  await wait(1);
  expect(await look(), 'between two transactions').toBeNull();
  await noteSlotReader(analytics.db, epoch, 3, true);
  expect(await look(), 'too early').toBeNull();
  await wait(1);
  expect(await look()).not.toBeNull();
  await execute();
  await noteSlotReader(analytics.db, epoch, 3, true);
  await wait(1);
  expect(await look(), 'the same reader as before').toBeNull();
  await noteSlotReader(analytics.db, epoch, 4, true);
  await wait(58);
  expect(await look(), 'within an hour').toBeNull();
  await wait(1);
  expect(await look()).not.toBeNull();
  await execute('failed');
  expect(await newEpochTroubles(analytics.db)).toEqual([
    expect.stringMatching(
      /^rows that were loaded with COPY while the connector was started again, at 20.*, may be missing: .* failed/,
    ),
  ]);
  await pass(1);
  expect(await look()).not.toBeNull();
  await execute();
  expect(await newEpochTroubles(analytics.db)).toEqual([]);
  await wait(1000);
  expect(await look()).toBeNull();
});

test('a run that failed is followed by others, each later than the one before, until one succeeds', async () => {
  await takeIn();
  await takeIn();
  expect(await look()).not.toBeNull();
  for (const minutes of [1, 2, 4, 8, 16, 32, 64, 64]) {
    await execute('failed');
    await pass(minutes - 0.5);
    expect(await look(), `after ${minutes} minutes`).toBeNull();
    await pass(0.5);
    const asked = (await Promise.all([look(), look(), look()])).filter((id) => id !== null);
    expect(asked, `after ${minutes} minutes`).toHaveLength(1);
  }
  await execute();
  await pass(1000);
  expect(await look()).toBeNull();
});

test('a run that was cancelled is left to the schedule', async () => {
  await takeIn();
  await takeIn();
  await cancelRun(analytics.db, (await look()) ?? '');
  await pass(1000);
  expect(await look()).toBeNull();
});

test('readiness and the health of the reconcile say what a new epoch lacks', async () => {
  const countdown = new Countdown();
  const said = async (): Promise<readonly string[]> => {
    const options = { reasons: [], status: null, roles: ['reconcile'], now: Date.now(), countdown };
    const readiness = await readReadiness(analytics.db, options);
    const { roles } = await readOperation(analytics.db, { now: Date.now(), checks: [], lastHour: new LastHour() });
    const troubles = roles.find(({ role }) => role === 'reconcile')?.troubles ?? [];
    const ofEpoch = (sentence: string): boolean => sentence.includes('before epoch');
    const reasons = 'reasons' in readiness ? readiness.reasons.filter(ofEpoch) : [];
    expect(troubles.filter(ofEpoch)).toEqual(reasons);
    return reasons;
  };
  await takeIn();
  await takeIn();
  await look();
  expect(await said()).toEqual([]);
  await execute('failed');
  expect(await said()).toEqual([
    expect.stringMatching(
      /^rows deleted at the source before epoch \d+ may still count: the reconcile that finds them failed .*; it is begun again at 20/,
    ),
  ]);
  await pass(1);
  await cancelRun(analytics.db, (await look()) ?? '');
  expect(await said()).toEqual([expect.stringContaining('was cancelled; run npm run reconcile -- --once')]);
  await ask(analytics.db);
  await execute();
  expect(await said()).toEqual([]);
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
