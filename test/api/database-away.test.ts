import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { type Forwarder, startForwarder } from './forwarder.ts';
import { addPeople, ask, errorOf, serveWhile, startTestApi } from './support.ts';

let analytics: TestDatabase;
let forwarder: Forwarder;
let db: Database;
let api: Api;
let reasons: string[] = [];
const get = (path: string) => ask(api.url + path);

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_away');
  await addPeople(analytics.db, 1, 1);
  forwarder = await startForwarder(analytics.address);
  db = openDatabase({ ...analytics.address, host: '127.0.0.1', port: forwarder.port }, { connections: 2 });
  api = await startTestApi(db, { checks: () => reasons });
});
afterAll(async () => {
  await api.stop();
  await db.close();
  await forwarder.cut();
  await analytics.drop();
});

const ROUTES = [
  '/api/metrics/student/1',
  '/api/metrics/course/1',
  '/api/engagement/trends',
  '/api/features/temporal/1',
  '/api/trajectory/1',
  '/api/students',
  '/api/freshness',
  '/api/rejected',
];

test('ready while all is well', async () => {
  expect(await get('/api/ready')).toMatchObject({ status: 200, body: { status: 'ready' } });
  expect(await get('/api/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
});

test('a login that the database refuses by now: 503, and asked again later', async () => {
  const stranger = openDatabase({ ...analytics.address, user: 'nobody_of_that_name' }, { connections: 1 });
  await serveWhile(stranger, {}, async ({ url }) => {
    const answer = await ask(`${url}/api/students`);
    expect([answer.status, errorOf(answer).code]).toEqual([503, 'database_unavailable']);
  });
  await stranger.close();
});

test('not ready for what other parts of the process find wrong', async () => {
  reasons = ['the source is not streaming: the server is away'];
  expect(await get('/api/ready')).toMatchObject({ status: 503, body: { status: 'not ready', reasons } });
  expect(await get('/api/health')).toMatchObject({ status: 200 });
  reasons = [];
  expect(await get('/api/ready')).toMatchObject({ status: 200 });
});

test('a database that is away is a 503 everywhere but in health, and nothing has to be restarted', async () => {
  await get('/api/students');
  await forwarder.cut();
  for (const path of ROUTES) {
    const answer = await get(path);
    expect(answer.status).toBe(503);
    expect(errorOf(answer).code).toBe('database_unavailable');
    expect(JSON.stringify(answer.body)).not.toMatch(/ECONN|127\.0\.0\.1|postgres/i);
  }
  expect(await (await fetch(`${api.url}/metrics`)).text()).toContain('\nprepadata_database_up 0\n');
  const ready = await get('/api/ready');
  expect(ready.status).toBe(503);
  expect(ready.body).toEqual({
    status: 'not ready',
    reasons: ['the analytics database does not answer (ECONNREFUSED)'],
    source: null,
  });
  expect(await get('/api/health')).toMatchObject({ status: 200 });

  await forwarder.fix();
  for (const path of ROUTES) expect(await get(path)).toMatchObject({ status: 200 });
  expect(await get('/api/ready')).toMatchObject({ status: 200 });
});

test('connections that the server ends between requests are replaced', async () => {
  await get('/api/students');
  await analytics.db.query(
    'SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
  await expect.poll(async () => (await get('/api/students')).status).toBe(200);
});

test('a database that says nothing makes the process not ready in seconds, and is read again once it speaks', async () => {
  await get('/api/students');
  forwarder.freeze();
  const ready = await get('/api/ready');
  expect(ready).toMatchObject({
    status: 503,
    body: { reasons: ['the analytics database did not answer within 2000 ms'] },
  });
  const answer = await get('/api/students');
  expect(answer.status).toBe(503);
  expect(errorOf(answer).code).toBe('database_unavailable');
  expect(await (await fetch(`${api.url}/metrics`)).text()).toContain('\nprepadata_database_up 0\n');
  await forwarder.fix();
  await expect.poll(async () => (await get('/api/students')).status).toBe(200);
});
