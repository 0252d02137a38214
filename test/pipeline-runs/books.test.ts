import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  cancelRun,
  claimRun,
  endDeadRuns,
  endRun,
  guardRun,
  releaseRun,
  renewRun,
  requestRun,
} from '#libs/store/runs/runs.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { ALL_EQUAL, ask, forgetRuns, read, WHOLE } from './support.ts';

/* The rows of runs, and who may change them: what a request, a process and an impatient operator do to them. */

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('runs_books');
});
afterAll(() => analytics.drop());
beforeEach(() => forgetRuns(analytics.db));

const LEASE_MS = 60_000;

/** As if nothing had been heard of its process for a whole lease. */
const forsake = (id: string): Promise<object[]> =>
  analytics.db.query("UPDATE state.pipeline_run SET lease_until = now() - interval '1 second' WHERE run_id = $1", [id]);

async function claimed(owner: string = randomUUID()): Promise<{ id: string; owner: string }> {
  const id = await ask(analytics.db);
  expect(await claimRun(analytics.db, owner, LEASE_MS)).toMatchObject({ runId: id, attempts: 1 });
  return { id, owner };
}

describe('one run at a time', () => {
  test('of many that ask at once one gets it', async () => {
    const { db } = analytics;
    const ids = await Promise.all(Array.from({ length: 12 }, () => requestRun(db, WHOLE)));
    expect(ids.filter((id) => id !== null)).toHaveLength(1);
  });

  test('of many that would execute it one gets it', async () => {
    const { db } = analytics;
    const id = await ask(db);
    const claims = await Promise.all(Array.from({ length: 12 }, () => claimRun(db, randomUUID(), LEASE_MS)));
    expect(claims.filter((claim) => claim !== undefined)).toMatchObject([{ runId: id, attempts: 1 }]);
  });

  test('there is room again once it has ended, however it ended', async () => {
    const { db } = analytics;
    for (const status of ['succeeded', 'failed', 'cancelled'] as const) {
      const { id, owner } = await claimed();
      expect(await requestRun(db, WHOLE)).toBeNull();
      expect(await endRun(db, id, owner, { status, reason: status === 'succeeded' ? null : 'so it is' })).toBe(true);
    }
    expect(await requestRun(db, WHOLE)).not.toBeNull();
  });

  test('a time of the schedule is asked for once, also after its run has ended', async () => {
    const { db } = analytics;
    const scheduledFor = Date.parse('2026-03-20T02:00:00Z');
    const id = await ask(db, { requestedBy: 'schedule', scheduledFor });
    await cancelRun(db, id);
    expect(await requestRun(db, { ...WHOLE, scheduledFor })).toBeNull();
    expect(await requestRun(db, { ...WHOLE, scheduledFor: scheduledFor + 86_400_000 })).not.toBeNull();
  });

  test('what is asked for is what is claimed', async () => {
    const { db } = analytics;
    const scope = { from: 20_000, to: 20_010, courseId: 3, studentId: 4 };
    const id = await ask(db, { mode: 'backfill', scope, dryRun: true });
    expect(await claimRun(db, randomUUID(), LEASE_MS)).toEqual({
      runId: id,
      mode: 'backfill',
      scope,
      dryRun: true,
      attempts: 1,
    });
    expect(await read(db, id)).toMatchObject({ scope, mode: 'backfill', dryRun: true, status: 'running' });
  });
});

describe('a lease', () => {
  test('keeps others away until it has run out; then the next one begins again', async () => {
    const { db } = analytics;
    const { id } = await claimed();
    expect(await claimRun(db, randomUUID(), LEASE_MS)).toBeUndefined();
    await forsake(id);
    const heir = randomUUID();
    expect(await claimRun(db, heir, LEASE_MS)).toMatchObject({ runId: id, attempts: 2 });
    expect((await read(db, id)).reason).toBe('attempt 1 ended without a word');
  });

  test('is renewed by its owner alone, also after it has run out, if nobody was faster', async () => {
    const { db } = analytics;
    const { id, owner } = await claimed();
    expect(await renewRun(db, id, randomUUID(), LEASE_MS, null)).toBeNull();
    await forsake(id);
    const progress = { phase: 'comparing', done: 7, total: 9 };
    expect(await renewRun(db, id, owner, LEASE_MS, progress)).toEqual({ cancelRequested: false });
    expect(await claimRun(db, randomUUID(), LEASE_MS)).toBeUndefined();
    expect((await read(db, id)).progress).toEqual(progress);
    await forsake(id);
    await claimRun(db, randomUUID(), LEASE_MS);
    expect(await renewRun(db, id, owner, LEASE_MS, null)).toBeNull();
  });

  test('lost three times, the run has failed, with the reason, and is in the log', async () => {
    const { db } = analytics;
    const id = await ask(db);
    for (let attempts = 1; attempts <= 3; attempts += 1) {
      expect(await endDeadRuns(db)).toBe(0);
      expect(await claimRun(db, randomUUID(), LEASE_MS)).toMatchObject({ attempts });
      await forsake(id);
    }
    expect(await claimRun(db, randomUUID(), LEASE_MS)).toBeUndefined();
    expect(await endDeadRuns(db)).toBe(1);
    const run = await read(db, id);
    expect(run).toMatchObject({ status: 'failed', attempts: 3 });
    expect(run.reason).toMatch(/^begun 3 times, .*its process was gone/);
    const [line] = await db.query('SELECT * FROM pipeline_logs WHERE run_id = $1', [id]);
    expect(line).toMatchObject({ pipeline_name: 'reconcile', status: 'failed', error_message: run.reason });
  });

  test('is over for one who has lost it: to end, release and renew the run is refused', async () => {
    const { db } = analytics;
    const { id, owner } = await claimed();
    await forsake(id);
    const heir = randomUUID();
    await claimRun(db, heir, LEASE_MS);
    expect(await endRun(db, id, owner, { status: 'succeeded', reason: null, verdict: ALL_EQUAL })).toBe(false);
    expect(await releaseRun(db, id, owner, null)).toBe(false);
    expect(await read(db, id)).toMatchObject({ status: 'running', attempts: 2 });
    expect(await endRun(db, id, heir, { status: 'succeeded', reason: null })).toBe(true);
  });
});

describe('the guard', () => {
  test('refuses one who has lost the run, one whose run was cancelled, and one whose run has ended', async () => {
    const { db } = analytics;
    const guarded = (id: string, owner: string): Promise<boolean> =>
      db.transaction((tx) => guardRun(tx, id, owner, LEASE_MS));
    const { id, owner } = await claimed();
    expect(await guarded(id, owner)).toBe(true);
    expect(await guarded(id, randomUUID())).toBe(false);
    await forsake(id);
    expect(await guarded(id, owner)).toBe(true);
    const heir = randomUUID();
    await claimRun(db, heir, LEASE_MS);
    expect(await guarded(id, owner)).toBe(false);
    expect(await guarded(id, heir)).toBe(true);
    await cancelRun(db, id);
    expect(await guarded(id, heir)).toBe(false);
    await endRun(db, id, heir, { status: 'cancelled', reason: 'cancelled' });
    expect(await guarded(id, heir)).toBe(false);
  });

  test('keeps others from taking the run while a writing transaction is open, but lets the lease be renewed', async () => {
    const { db } = analytics;
    const { id, owner } = await claimed();
    await db.transaction(async (tx) => {
      expect(await guardRun(tx, id, owner, LEASE_MS)).toBe(true);
      expect(await renewRun(db, id, owner, LEASE_MS, null)).not.toBeNull();
      await forsake(id);
      expect(await claimRun(db, randomUUID(), LEASE_MS)).toBeUndefined();
    });
    expect(await claimRun(db, randomUUID(), LEASE_MS)).toMatchObject({ runId: id, attempts: 2 });
  });

  test('ends a transaction that freezes with the run in its hands', async () => {
    const { db } = analytics;
    const { id, owner } = await claimed();
    const frozen = db.transaction(async (tx) => {
      await guardRun(tx, id, owner, 200);
      await forsake(id);
      await sleep(1_500);
      await tx.query('SELECT 1');
    });
    await expect(frozen).rejects.toThrow();
    expect(await claimRun(db, randomUUID(), LEASE_MS)).toMatchObject({ attempts: 2 });
    // The limit ended with its transaction: it does not bind the pool's other statements.
    expect(await db.query('SHOW idle_in_transaction_session_timeout')).toEqual([
      { idle_in_transaction_session_timeout: '0' },
    ]);
  });
});

describe('cancelling', () => {
  test('ends at once what waits, and never takes it from a process that has it', async () => {
    const { db } = analytics;
    const waiting = await ask(db);
    await cancelRun(db, waiting);
    expect(await read(db, waiting)).toMatchObject({ status: 'cancelled', reason: 'cancelled', startedAt: null });
    const { id, owner } = await claimed();
    await cancelRun(db, id);
    expect(await read(db, id)).toMatchObject({ status: 'running', cancelRequested: true });
    expect(await renewRun(db, id, owner, LEASE_MS, null)).toEqual({ cancelRequested: true });
  });

  test('what was cancelled is not begun again when its process is gone; it is ended', async () => {
    const { db } = analytics;
    const { id } = await claimed();
    await cancelRun(db, id);
    await forsake(id);
    expect(await claimRun(db, randomUUID(), LEASE_MS)).toBeUndefined();
    expect(await endDeadRuns(db)).toBe(1);
    expect(await read(db, id)).toMatchObject({ status: 'cancelled' });
  });

  test('half done, it is completed by whoever looks next', async () => {
    const { db } = analytics;
    const id = await ask(db);
    await db.query('UPDATE state.pipeline_run SET cancel_requested = true');
    expect(await claimRun(db, randomUUID(), LEASE_MS)).toBeUndefined();
    expect(await endDeadRuns(db)).toBe(1);
    expect(await read(db, id)).toMatchObject({ status: 'cancelled' });
    expect(await requestRun(db, WHOLE)).not.toBeNull();
  });
});

test('pipeline_logs has what a run was and what it found', async () => {
  const { db } = analytics;
  const id = await ask(db, { mode: 'backfill', scope: { from: 20_000, courseId: 3 } });
  const owner = randomUUID();
  await claimRun(db, owner, LEASE_MS);
  const end = {
    status: 'succeeded',
    reason: null,
    recordsProcessed: 12,
    recordsFailed: 0,
    verdict: ALL_EQUAL,
  } as const;
  await endRun(db, id, owner, end);
  const [line] = await db.query<{ details: object }>('SELECT * FROM pipeline_logs');
  expect(line).toEqual({
    run_id: id,
    pipeline_name: 'backfill',
    status: 'succeeded',
    records_processed: 12n,
    records_failed: 0n,
    error_message: null,
    started_at: expect.any(Date),
    completed_at: expect.any(Date),
    duration_seconds: expect.any(Number),
    details: {
      scope: { from: '2024-10-04', course_id: 3 },
      dry_run: false,
      attempts: 1,
      requested_by: 'api',
      verdict: ALL_EQUAL,
    },
  });
});
