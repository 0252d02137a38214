import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '#libs/domain/clock.ts';
import { openLog } from '#libs/platform/log.ts';
import { parseSchedule } from '#libs/platform/schedule.ts';
import { Scheduler } from '#libs/reconcile/jobs/scheduler.ts';
import { cancelRun, claimRun, endRun } from '#libs/store/runs/runs.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { NOTHING } from '../support/nothing.ts';
import { ask, forgetRuns, read } from './support.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('runs_scheduler');
});
afterAll(() => analytics.drop());
beforeEach(() => forgetRuns(analytics.db));

/** A clock that stands still until it is set. */
class FakeClock implements Clock {
  #now = 0;

  set(text: string): this {
    this.#now = Date.parse(text);
    return this;
  }

  now(): number {
    return this.#now;
  }
}

/** A process that starts at this time and follows the schedule. */
async function startAt(text: string, pattern = '0 2 * * *'): Promise<{ clock: FakeClock; scheduler: Scheduler }> {
  const clock = new FakeClock().set(text);
  const { db } = analytics;
  const scheduler = new Scheduler({ db, schedule: parseSchedule(pattern), clock, log: openLog('silent') });
  expect(await scheduler.look()).toBe(await waiting());
  return { clock, scheduler };
}

/** The queued run, if there is one. */
async function waiting(): Promise<string | null> {
  const [row] = await analytics.db.query<{ run_id: string }>(
    "SELECT run_id FROM state.pipeline_run WHERE status = 'queued'",
  );
  return row?.run_id ?? null;
}

const OWNER = '00000000-0000-4000-8000-000000000001';

/** Runs the queued run to its end. */
async function execute(status: 'succeeded' | 'failed' = 'succeeded'): Promise<void> {
  const { db } = analytics;
  const run = await claimRun(db, OWNER, 60_000);
  if (run === undefined) throw new Error('no run waits');
  await endRun(db, run.runId, OWNER, { status, reason: status === 'failed' ? 'so it is' : null });
}

/** The times for which runs were requested, in order of request. */
const scheduled = async (): Promise<string[]> => {
  const rows = await analytics.db.query<{ scheduled_for: Date }>(
    'SELECT scheduled_for FROM state.pipeline_run WHERE scheduled_for IS NOT NULL ORDER BY requested_at',
  );
  return rows.map((row) => row.scheduled_for.toISOString().slice(0, 16));
};

describe('a night', () => {
  test('has one run, however often the schedule is looked at, and by however many', async () => {
    const processes = [
      await startAt('2026-03-20T01:59:58Z'),
      await startAt('2026-03-20T01:59:58Z'),
      await startAt('2026-03-20T01:59:58Z'),
    ];
    expect(await scheduled()).toEqual([]);
    const look = () => Promise.all(processes.map(({ scheduler }) => scheduler.look()));
    for (const { clock } of processes) clock.set('2026-03-20T02:00:00Z');
    const asked = await Promise.all([...(await look()), ...(await look())]);
    expect(asked.filter((id) => id !== null)).toHaveLength(1);
    await execute();
    for (const { clock } of processes) clock.set('2026-03-20T02:10:00Z');
    await look();
    expect(await scheduled()).toEqual(['2026-03-20T02:00']);
    for (const { clock } of processes) clock.set('2026-03-21T02:00:00Z');
    await look();
    expect(await scheduled()).toEqual(['2026-03-20T02:00', '2026-03-21T02:00']);
  });

  test('asks for a whole reconcile that repairs', async () => {
    const { clock, scheduler } = await startAt('2026-03-20T01:00:00Z');
    clock.set('2026-03-20T02:00:00.001Z');
    const id = await scheduler.look();
    expect(await read(analytics.db, id ?? '')).toMatchObject({
      mode: 'reconcile',
      scope: NOTHING,
      dryRun: false,
      requestedBy: 'schedule',
      scheduledFor: new Date('2026-03-20T02:00:00Z'),
      status: 'queued',
    });
  });

  test('whose run failed, or was cancelled, has had it', async () => {
    const { clock, scheduler } = await startAt('2026-03-20T01:00:00Z');
    clock.set('2026-03-20T02:00:00Z');
    await scheduler.look();
    await execute('failed');
    expect(await scheduler.look()).toBeNull();
    clock.set('2026-03-21T02:00:00Z');
    await cancelRun(analytics.db, (await scheduler.look()) ?? '');
    expect(await scheduler.look()).toBeNull();
    await startAt('2026-03-21T03:00:00Z');
    expect(await scheduled()).toHaveLength(2);
  });

  test('in which another run is under way waits for that one', async () => {
    const { clock, scheduler } = await startAt('2026-03-20T01:00:00Z');
    await ask(analytics.db, { scope: { courseId: 1 } });
    clock.set('2026-03-20T02:00:00Z');
    expect(await scheduler.look()).toBeNull();
    clock.set('2026-03-20T04:00:00Z');
    await execute();
    expect(await scheduler.look()).not.toBeNull();
    expect(await scheduled()).toEqual(['2026-03-20T02:00']);
  });
});

describe('a time that was missed', () => {
  test('is made up for at the start, several of them by one run', async () => {
    await startAt('2026-03-20T01:00:00Z');
    await startAt('2026-03-24T09:00:00Z');
    expect(await scheduled()).toEqual(['2026-03-24T02:00']);
    await execute();
    await startAt('2026-03-24T09:01:00Z');
    expect(await scheduled()).toEqual(['2026-03-24T02:00']);
  });

  test('before the schedule was first followed was not missed', async () => {
    const { clock, scheduler } = await startAt('2026-03-20T09:00:00Z');
    expect(await scheduled()).toEqual([]);
    clock.set('2026-03-21T02:00:00Z');
    expect(await scheduler.look()).not.toBeNull();
  });

  test('is not made up for when somebody has had everything reconciled since', async () => {
    const { db } = analytics;
    // Requests carry the database's time, so the missed time must lie in its past.
    const now = new Date(Date.now() - 1_000).toISOString();
    await startAt(new Date(Date.now() - 7_200_000).toISOString(), '* * * * *');
    await ask(db);
    await execute();
    await startAt(now, '* * * * *');
    expect(await scheduled()).toEqual([]);
    await forgetRuns(db);
    for (const request of [{ dryRun: true }, { scope: { courseId: 1 } }, { mode: 'backfill' as const }]) {
      await startAt(new Date(Date.now() - 7_200_000).toISOString(), '* * * * *');
      await ask(db, request);
      await execute();
      await startAt(now, '* * * * *');
      expect(await scheduled()).toHaveLength(1);
      await forgetRuns(db);
    }
  });
});

describe('a clock', () => {
  test('that jumps over the time loses no run', async () => {
    const { clock, scheduler } = await startAt('2026-03-20T01:59:00Z');
    clock.set('2026-03-20T05:12:00Z');
    expect(await scheduler.look()).not.toBeNull();
    expect(await scheduled()).toEqual(['2026-03-20T02:00']);
  });

  test('that jumps back over the time doubles none', async () => {
    const { clock, scheduler } = await startAt('2026-03-19T12:00:00Z');
    for (const now of [
      '2026-03-20T02:00:01Z',
      '2026-03-20T01:58:00Z',
      '2026-03-20T02:00:00Z',
      '2026-03-20T02:01:00Z',
    ]) {
      clock.set(now);
      if ((await scheduler.look()) !== null) await execute();
    }
    expect(await scheduled()).toEqual(['2026-03-20T02:00']);
  });

  test('that was years ahead does not keep the schedule waiting until then', async () => {
    const { clock, scheduler } = await startAt('2031-01-01T12:00:00Z');
    clock.set('2031-01-02T02:00:00Z');
    if ((await scheduler.look()) !== null) await execute();
    clock.set('2026-03-20T01:00:00Z');
    expect(await scheduler.look()).toBeNull();
    clock.set('2026-03-20T02:00:00Z');
    expect(await scheduler.look()).not.toBeNull();
    await execute();
    // Nor does one that starts later.
    const later = await startAt('2026-03-20T12:00:00Z');
    later.clock.set('2026-03-21T02:00:00Z');
    expect(await later.scheduler.look()).not.toBeNull();
    await execute();
    // Nor is a time forgotten that passes while no process runs.
    await startAt('2026-03-24T09:00:00Z');
    expect((await scheduled()).slice(1)).toEqual(['2026-03-20T02:00', '2026-03-21T02:00', '2026-03-24T02:00']);
  });
});
