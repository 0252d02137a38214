import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { addPeople, ask, errorOf, startTestApi } from './support.ts';

/* A database that is up, but whose connections are all in use, or whose statements exceed their time limit. */

const CONNECTIONS = 2;
let analytics: TestDatabase;
let db: Database;
let api: Api;
const get = (path: string) => ask(api.url + path);
const metrics = async (): Promise<string> => (await fetch(`${api.url}/metrics`)).text();

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_pool');
  await addPeople(analytics.db, 1, 1);
  db = openDatabase(analytics.address, { connections: CONNECTIONS });
  api = await startTestApi(db);
});
afterAll(async () => {
  await api.stop();
  await db.close();
  await analytics.drop();
});

/** Runs `work` while somebody else has every connection. */
async function whileAllAreTaken(work: () => Promise<void>): Promise<void> {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const taken = Array.from({ length: CONNECTIONS }, () => db.transaction(() => released));
  try {
    await work();
  } finally {
    release();
    await Promise.all(taken);
  }
}

test('who waits for a connection is not ready, says why, and is ready again once there is one', async () => {
  expect(db.waitingMs).toBe(0);
  await whileAllAreTaken(async () => {
    const asked = get('/api/students');
    const inVain = expect(db.query('SELECT 1')).rejects.toThrow(/all 2 connections are in use/);
    await expect.poll(() => db.waitingMs).toBeGreaterThan(3_000);
    expect(await get('/api/ready')).toMatchObject({
      status: 503,
      body: {
        reasons: expect.arrayContaining([expect.stringMatching(/^all connections .* are in use, and .* \d+ s/)]),
      },
    });
    expect(await metrics()).toContain('\nprepadata_database_up 0\n');
    expect(await get('/api/health')).toMatchObject({ status: 200 });
    expect(errorOf(await asked).code).toBe('database_unavailable');
    await inVain;
  });
  await expect.poll(async () => (await get('/api/ready')).status).toBe(200);
  expect(db.waitingMs).toBe(0);
});

test.each([
  ['waits too long for a lock', { lock_timeout: '300' }, '55P03'],
  ['takes too long', { lock_timeout: '0', statement_timeout: '300' }, '57014'],
] as const)('a statement that %s is cut off, and readiness says so', async (_, settings, code) => {
  const limited = openDatabase(analytics.address, { connections: 2, settings });
  const served = await startTestApi(limited);
  const reason = new RegExp(`^the analytics database has cut off a statement that .*too long.*\\(${code}\\)$`);
  try {
    await analytics.db.transaction(async (tx) => {
      await tx.query('LOCK TABLE state.key IN ACCESS EXCLUSIVE MODE');
      expect(await ask(`${served.url}/api/ready`)).toMatchObject({
        status: 503,
        body: { reasons: [expect.stringMatching(reason)] },
      });
      expect(await (await fetch(`${served.url}/metrics`)).text()).toContain('\nprepadata_database_up 0\n');
    });
    expect(await ask(`${served.url}/api/ready`)).toMatchObject({ status: 200 });
  } finally {
    await served.stop();
    await limited.close();
  }
});
