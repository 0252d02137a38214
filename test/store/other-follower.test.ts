import { hostname } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Instance, reportInstance } from '#libs/store/progress/instances.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('other_follower');
});
afterAll(() => analytics.drop());

const STAGING: Instance = {
  id: '00000000-0000-4000-8000-000000000001',
  roles: ['engagement'],
  intake: 'pgoutput',
  host: 'staging',
  pid: 4711,
  startedAt: 0,
  troubles: [],
  staged: 0,
  streamed: 0,
  changed: 0,
  source: JSON.stringify({ state: 'streaming' }),
};

test.each<[string, Partial<Instance>, string | undefined]>([
  ['follows a source', {}, 'process 4711 on staging'],
  ['waits for one', { source: JSON.stringify({ state: 'waiting' }) }, undefined],
  ['reads none', { source: null }, undefined],
  ['reads topics', { intake: 'kafka engagement' }, undefined],
  ['is this very one', { host: hostname(), pid: process.pid }, undefined],
])('a process that %s', async (_, other, said) => {
  await analytics.db.query('DELETE FROM state.instance');
  await reportInstance(analytics.db, { ...STAGING, ...other });
  expect(await openProgressStore(analytics.db).otherFollower()).toBe(said);
});

test('a process that was not heard of for a while', async () => {
  await analytics.db.query(`UPDATE state.instance SET host = 'staging', heard_at = now() - interval '11 seconds'`);
  expect(await openProgressStore(analytics.db).otherFollower()).toBeUndefined();
});
