import { afterEach, beforeEach, expect, test } from 'vitest';
import { startPipeline } from '#libs/pipeline/pipeline.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { testSettings } from '../support/settings.ts';

let analytics: TestDatabase;
const stops: (() => Promise<void>)[] = [];
beforeEach(async () => {
  analytics = await createAnalyticsDatabase('start');
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await analytics.drop();
});

const FULL = Object.assign(new Error('sorry, too many clients already'), { code: '53300' });
const LATE = new Error('timeout exceeded when trying to connect');

/** Fails with these errors, one after another, before it answers. */
function failing(errors: Error[]): Database {
  const { db } = analytics;
  return {
    ...db,
    query: async (statement, values) => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      return db.query(statement, values);
    },
  };
}

const start = (db: Database, signal: AbortSignal, onWaiting: (sentence: string) => void): Promise<unknown> =>
  startPipeline({
    roles: [],
    db,
    settings: testSettings(),
    log: openLog('silent'),
    lifecycle: { add: (_, stop) => stops.push(stop) },
    fail: () => {},
    signal,
    onWaiting,
  });

test('an analytics database that has no connection left as a role starts is waited for, in sight', async () => {
  const told: string[] = [];
  await start(failing([FULL, LATE]), new AbortController().signal, (sentence) => told.push(sentence));
  expect(told).toEqual([
    'the analytics database does not answer (sorry, too many clients already); trying again …',
    'the analytics database does not answer (timeout exceeded when trying to connect); trying again …',
  ]);
});

test('what no waiting fixes ends the start', async () => {
  const refused = Object.assign(new Error('permission denied'), { code: '42501' });
  await expect(start(failing([refused]), new AbortController().signal, () => {})).rejects.toBe(refused);
});

test('the waiting ends when the program is to stop', async () => {
  const stopping = new AbortController();
  const starting = start(failing(Array.from({ length: 1_000 }, () => FULL)), stopping.signal, () =>
    stopping.abort('enough'),
  );
  await expect(starting).rejects.toBe('enough');
});
