import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openLog } from '#libs/platform/log.ts';
import { LastHour } from '#libs/serve/last-hour.ts';
import { measure, startMeasuring } from '#libs/serve/measure.ts';
import { type Operation, operationAnswer, readOperation } from '#libs/serve/operation.ts';
import { leaveInstance, reportInstance } from '#libs/store/progress/instances.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { interpose } from '../support/interpose.ts';
import { ask, insert, NOW, serveWhile, uuid } from './support.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_operation');
});
afterAll(() => analytics.drop());
afterEach(async () => {
  const { db } = analytics;
  for (const n of [1, 2, 3]) await leaveInstance(db, uuid('e', n));
  await db.query('TRUNCATE state.key_mark');
});

/** Reports as a separate process does every few seconds; half of what it took in came from snapshots. */
const report = (n: number, roles: string[], staged = 0, changed = 0, troubles: string[] = [], slot?: object) =>
  reportInstance(analytics.db, {
    id: uuid('e', n),
    roles,
    intake: slot === undefined ? 'nothing' : 'pgoutput',
    host: 'here',
    pid: n,
    startedAt: NOW,
    troubles,
    staged,
    streamed: staged / 2,
    changed,
    source:
      slot === undefined
        ? null
        : JSON.stringify({ state: 'streaming', detail: '', lagBytes: '0', heardAt: null, slot }),
  });

const read = async (lastHour = new LastHour(), now = NOW, checks: string[] = []): Promise<Operation> =>
  operationAnswer.parse(await readOperation(analytics.db, { now, checks, lastHour }));
const healthIn = ({ roles }: Operation): Record<string, string> =>
  Object.fromEntries(roles.map(({ role, health }) => [role, health]));

test('a database in which nobody has reported: silent, and nothing is claimed', async () => {
  const status = await read();
  expect(healthIn(status)).toEqual({
    engagement: 'silent',
    performance: 'silent',
    anomaly: 'silent',
    connector: 'unknown',
    reconcile: 'unknown',
    api: 'well',
  });
  expect(status).toMatchObject({ today: null, slots: [], throughput: null, noise: null });
  expect(status.last_hour).toHaveLength(60);
  expect(new Set(status.last_hour.map(({ changes_per_second }) => changes_per_second))).toEqual(new Set([null]));
});

test('processes apart: each role by what its own processes report', async () => {
  await report(1, ['engagement', 'performance'], 10, 1, [], { name: 'slot_1', retainedBytes: '2048', safeBytes: null });
  await report(2, ['anomaly'], 0, 0, ['the anomaly deriver fails: no']);
  await report(3, ['reconcile']);
  const status = await read(undefined, undefined, ['all connections are in use']);
  expect(healthIn(status)).toEqual({
    engagement: 'well',
    performance: 'well',
    anomaly: 'troubled',
    connector: 'unknown',
    reconcile: 'well',
    api: 'troubled',
  });
  expect(status.roles.find(({ role }) => role === 'anomaly')).toEqual({
    role: 'anomaly',
    health: 'troubled',
    processes: 1,
    troubles: ['anomaly: the anomaly deriver fails: no'],
  });
  expect(status.slots).toEqual([{ name: 'slot_1', retained_bytes: 2048, safe_bytes: null }]);
  await analytics.db.query(`UPDATE state.instance SET heard_at = now() - interval '1 minute' WHERE pid IN (1, 3)`);
  expect(healthIn(await read())).toMatchObject({ engagement: 'silent', anomaly: 'troubled', reconcile: 'silent' });
  expect((await read()).slots).toEqual([]);
});

test('what came in and what it changed, by whichever processes, over the time that was measured', async () => {
  const { db } = analytics;
  const hour = new LastHour();
  await report(1, ['engagement'], 1_000, 20, [], { name: 'slot_1', retainedBytes: '4096', safeBytes: null });
  hour.add(await measure(db, NOW));
  await report(1, ['engagement'], 1_600, 21, [], { name: 'slot_1', retainedBytes: '8192', safeBytes: null });
  await report(2, ['performance'], 200, 9);
  await insert(db, 'state.key_mark', {
    family: 'engagement',
    course_id: 1,
    student_id: 1,
    priority: 0,
    committed_at: new Date(NOW + 9_000).toISOString(),
    awaited: false,
  });
  hour.add(await measure(db, NOW + 10_000));
  const status = await read(hour, NOW + 10_000);
  expect(status.throughput).toEqual({ changes_per_second: 40, seconds: 10 });
  expect(status.noise).toEqual({ received: 400, changed: 10, seconds: 10 });
  expect(status.lag_ms).toEqual({ engagement: 1_000, performance: 0, anomaly: 0 });
  expect(status.last_hour.at(-1)).toEqual({
    at: '2026-03-20T12:00:00.000Z',
    lag_ms: { engagement: 1_000, performance: 0, anomaly: 0 },
    changes_per_second: 40,
    retained_bytes: 8192,
  });
});

test('the API measures by itself, from its start on', async () => {
  await report(1, ['engagement']);
  await serveWhile(analytics.db, {}, async ({ url }) => {
    const last = async () => (((await ask(`${url}/api/status`)).body as Operation).last_hour ?? []).slice(-2);
    const nothing = { engagement: null, performance: null, anomaly: null };
    await expect
      .poll(async () => (await last()).map(({ lag_ms }) => lag_ms))
      .toEqual([nothing, { engagement: 0, performance: 0, anomaly: 0 }]);
  });
});

test('a database that is away is not known of, and no error', async () => {
  const away = interpose(analytics.db, (_, when) => {
    if (when === 'before') throw Object.assign(new Error('terminating connection'), { code: '57P01' });
  });
  expect(await measure(away, NOW)).toEqual({
    at: NOW,
    lag: { engagement: null, performance: null, anomaly: null },
    counts: null,
    retained: null,
  });
  const measuring = startMeasuring({ db: away, clock: { now: () => NOW }, log: openLog('silent') });
  await expect.poll(() => measuring.lastHour.minutes(NOW).length).toBe(60);
  await measuring.stop();
});
