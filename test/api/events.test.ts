import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openLog } from '#libs/platform/log.ts';
import { FeatureEvents } from '#libs/serve/feature-events.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { startForwarder } from './forwarder.ts';
import { addCourseState, addPeople, insert, startTestApi } from './support.ts';

let analytics: TestDatabase;
let api: Api;
let listening: Listening[] = [];

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_events');
  await addPeople(analytics.db, 3, 2);
  for (const course of [1, 2]) await addCourseState(analytics.db, course, '2026-03-20');
  await put(1, 1, 10);
  await put(2, 2, 10);
});
afterAll(() => analytics.drop());
beforeEach(async () => {
  api = await startTestApi(analytics.db, { address: analytics.address });
});
afterEach(async () => {
  for (const each of listening) each.leave();
  listening = [];
  await api.stop();
});

const put = (student_id: number, course_id: number, engagement_score: number): Promise<unknown> =>
  insert(analytics.db, 'engagement_features', { student_id, course_id, engagement_score, row_version: version++ });
let version = 1;
const change = (student: number, score: number): Promise<unknown> =>
  analytics.db.query(
    `UPDATE engagement_features SET engagement_score = $2, row_version = $3, computed_at = now() WHERE student_id = $1`,
    [student, score, version++],
  );

interface Told {
  readonly id: string;
  readonly event: string | undefined;
  readonly data: Record<string, unknown>;
}

interface Listening {
  readonly status: number;
  readonly type: string | null;
  readonly told: Told[];
  readonly ended: Promise<void>;
  leave(): void;
}

async function listen(query = '', lastEventId?: string, token?: string): Promise<Listening> {
  const leaving = new AbortController();
  const answer = await fetch(`${api.url}/api/events${query}`, {
    signal: leaving.signal,
    headers: {
      'accept-encoding': 'gzip',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  });
  const told: Told[] = [];
  const read = async (): Promise<void> => {
    let text = '';
    for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const [, id] = /^id: (.*)$/m.exec(event) ?? [];
        const [, data = '{}'] = /^data: (.*)$/m.exec(event) ?? [];
        if (id !== undefined && event.includes('data:'))
          told.push({ id, event: /^event: (.*)$/m.exec(event)?.[1], data: JSON.parse(data) });
      }
    }
  };
  const ended = read().catch(() => {});
  const one = {
    status: answer.status,
    type: answer.headers.get('content-type'),
    told,
    ended,
    leave: () => leaving.abort(),
  };
  listening.push(one);
  return one;
}

/** Listens once the API listens to the database: before that anything may have changed. */
async function listenFrom(query = ''): Promise<Listening> {
  const one = await listen(query);
  await expect.poll(() => one.told.some(({ event }) => event === 'reset')).toBe(true);
  one.told.length = 0;
  return one;
}
const dataOf = ({ told }: Listening): unknown[] => told.map(({ data }) => data);

test('each changed key is told, with its version and the columns that changed', async () => {
  const one = await listenFrom();
  expect(one).toMatchObject({ status: 200, type: 'text/event-stream; charset=utf-8' });
  await change(1, 20);
  const first = { family: 'engagement', student_id: 1, course_id: 1, row_version: version - 1, columns: null };
  await expect.poll(() => dataOf(one)).toEqual([first]);
  await change(1, 30);
  const second = { ...first, row_version: version - 1, columns: ['engagement_score'] };
  await expect.poll(() => dataOf(one)).toEqual([first, second]);
});

test('of one course alone, if that is asked for', async () => {
  const one = await listenFrom('?course_id=2');
  await change(1, 31);
  await change(2, 32);
  await expect.poll(() => one.told.map(({ data }) => data['student_id'])).toEqual([2]);
  expect((await fetch(`${api.url}/api/events?course_id=9`)).status).toBe(404);
});

test('who comes back is told what came meanwhile, or that anything may have', async () => {
  const one = await listenFrom();
  await change(1, 41);
  await expect.poll(() => one.told.length).toBe(1);
  const last = one.told[0]?.id ?? '';
  const other = await listen();
  one.leave();
  await change(2, 42);
  await expect.poll(() => other.told.length).toBe(1);
  const again = await listen('', last);
  await expect.poll(() => again.told.map(({ data }) => data['student_id'])).toEqual([2]);
  for (const stranger of ['another-feed_3', 'x', `${last}00`]) {
    const lost = await listen('', stranger);
    await expect.poll(() => lost.told.map(({ event }) => event)).toEqual(['reset']);
  }
});

test('what is deleted is told as something that may be of any', async () => {
  await put(3, 1, 5);
  const one = await listenFrom();
  await analytics.db.query('DELETE FROM engagement_features WHERE student_id = 3');
  await expect.poll(() => one.told.map(({ event }) => event)).toEqual(['reset']);
});

test('what is deleted is told though other rows of the student remain, and change with it', async () => {
  await put(3, 1, 5);
  await put(3, 2, 5);
  const one = await listenFrom('?course_id=2');
  await analytics.db.transaction(async (tx) => {
    await tx.query(
      'UPDATE engagement_features SET row_version = 900, computed_at = now() WHERE student_id = 3 AND course_id = 1',
    );
    await tx.query('DELETE FROM engagement_features WHERE student_id = 3 AND course_id = 2');
  });
  await expect.poll(() => one.told.map(({ event }) => event)).toEqual(['reset']);
  await analytics.db.query('DELETE FROM engagement_features WHERE student_id = 3');
});

test('a change whose transaction took long is told, though another row of the student changed with it', async () => {
  await put(3, 1, 5);
  await put(3, 2, 5);
  const one = await listenFrom('?course_id=2');
  await analytics.db.query(
    `UPDATE engagement_features SET row_version = 910 + course_id,
       computed_at = now() - CASE course_id WHEN 2 THEN interval '1 minute' ELSE interval '0' END
     WHERE student_id = 3`,
  );
  await expect.poll(() => one.told.map(({ data }) => data['row_version'])).toEqual([912]);
  await analytics.db.query('DELETE FROM engagement_features WHERE student_id = 3');
});

test('who comes to others has an id to go on from at once', async () => {
  await listenFrom();
  const answer = await fetch(`${api.url}/api/events`);
  const reader = answer.body?.getReader();
  const first = new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  const [, id = ''] = /^id: (.+)$/m.exec(first) ?? [];
  expect(id).not.toBe('');
  await change(1, 71);
  const again = await listen('', id);
  await expect.poll(() => dataOf(again)).toMatchObject([{ student_id: 1 }]);
});

test('after the database was away anything may have changed', async () => {
  const forwarder = await startForwarder(analytics.address);
  const address = { ...analytics.address, host: '127.0.0.1', port: forwarder.port };
  await api.stop();
  api = await startTestApi(analytics.db, { address });
  const one = await listenFrom();
  await forwarder.cut();
  await change(1, 81);
  await forwarder.fix();
  await expect.poll(() => one.told.map(({ event }) => event)).toEqual(['reset']);
  await api.stop();
  await forwarder.cut();
});

test('two hundred readers cost one connection, and end with the server', async () => {
  const first = await listenFrom();
  const all = [first, ...(await Promise.all(Array.from({ length: 199 }, () => listen())))];
  const [row] = await analytics.db.query<{ n: bigint }>(
    `SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'prepadata prepadata_features'`,
  );
  // The second connection serves the cached answers.
  expect(row?.n).toBe(2n);
  await change(1, 51);
  await expect.poll(() => all.filter(({ told }) => told.length > 0).length).toBe(200);
  await api.stop();
  await Promise.all(all.map(({ ended }) => ended));
});

test('who does not read is cut off', async () => {
  const events = new FeatureEvents(
    analytics.db,
    { address: analytics.address, log: openLog('silent') },
    { mostUnread: 1_000 },
  );
  const leaving = new AbortController();
  const stream = events.open({ course: null, signal: leaving.signal });
  for (let score = 60; score < 90 && !stream.destroyed; score += 1) {
    await change(1, score);
    await new Promise((next) => setTimeout(next, 20));
  }
  await expect.poll(() => stream.destroyed).toBe(true);
  await events.stop();
});

test('who was cut off and has missed more than may wait is told that anything may have changed', async () => {
  const options = { address: analytics.address, log: openLog('silent') };
  const events = new FeatureEvents(analytics.db, options, { mostUnread: 1_000 });
  const { signal } = new AbortController();
  const read = async (after: string): Promise<string> => {
    let text = '';
    for await (const part of events.open({ course: null, after, signal })) {
      text += part;
      if (text.includes('data:')) break;
    }
    return text;
  };
  // An id of another process, so that the answer states its own.
  const [, first = ''] = /^id: (.*)$/m.exec(await read('elsewhere_1')) ?? [];
  const slow = events.open({ course: null, after: first, signal });
  for (let score = 60; score < 90 && !slow.destroyed; score += 1) {
    await change(1, score);
    await new Promise((next) => setTimeout(next, 20));
  }
  expect(slow.destroyed).toBe(true);
  const again = await read(first);
  expect(again).toContain('event: reset');
  const [, last = ''] = /^id: (.*)$/m.exec(again) ?? [];
  expect(last).not.toBe(first);
  await events.stop();
});

test('who comes back is where it was until what it missed has come', async () => {
  const events = new FeatureEvents(analytics.db, { address: analytics.address, log: openLog('silent') });
  const { signal } = new AbortController();
  const told = async (after: string, most: number, ids: string[] = []): Promise<string[]> => {
    let text = '';
    for await (const part of events.open({ course: null, after, signal })) {
      text += part;
      ids.splice(0, Infinity, ...[...text.matchAll(/^id: (.*)$/gm)].map(([, id = '']) => id));
      if (ids.length >= most) break;
    }
    return ids;
  };
  // The third is that of the moment from which the connection listens; earlier changes are not told one by one.
  const [first = ''] = (await told('elsewhere_1', 3)).slice(-1);
  const heard: string[] = [];
  const listening = told(first, 4, heard);
  for (const [index, score] of [71, 72, 73].entries()) {
    await change(1, score);
    // Two that come together are told as one.
    await expect.poll(() => heard.length).toBe(index + 2);
  }
  const ids = (await listening).slice(1);
  expect((await told(first, 4)).slice(0, 3)).toEqual(ids);
  await events.stop();
});

test('after several have left at once, who comes next is not cut off when those would have been forgotten', async () => {
  const lingerMs = 200;
  const options = { address: analytics.address, log: openLog('silent') };
  const events = new FeatureEvents(analytics.db, options, { lingerMs });
  const leaving = new AbortController();
  const closed = [1, 2].map(() => {
    const stream = events.open({ course: null, signal: leaving.signal }).resume();
    return new Promise((resolve) => stream.once('close', resolve));
  });
  leaving.abort();
  await Promise.all(closed);
  const next = events.open({ course: null, signal: new AbortController().signal }).resume();
  await sleep(3 * lingerMs);
  expect(next.readableEnded).toBe(false);
  await events.stop();
});

test('while nothing changes a comment says that it goes on', async () => {
  const options = { address: analytics.address, log: openLog('silent') };
  const events = new FeatureEvents(analytics.db, options, { heartbeatMs: 20 });
  const stream = events.open({ course: null, signal: new AbortController().signal });
  let text = '';
  for await (const part of stream) {
    text += part;
    if (text.endsWith(': still here\n\n: still here\n\n')) break;
  }
  expect(text).toMatch(/^id: /);
  await events.stop();
});

test('a token that is taken away, or may less, ends what it listens to at once; others go on', async () => {
  await api.stop();
  const tokens = ['going:g:read', 'less:l:read|run', 'more:m:read', 'staying:s:read|names'];
  api = await startTestApi(analytics.db, { address: analytics.address, tokens });
  const streams = await Promise.all(['g', 'l', 'm', 's'].map((token) => listen('', undefined, token)));
  const ended = new Set<number>();
  for (const [index, one] of streams.entries()) void one.ended.then(() => ended.add(index));
  expect(() => api.replaceTokens(['staying:s:nonsense'])).toThrow('name:token:scope');
  api.replaceTokens(['less:l:run', 'more:m:read|ops', 'renamed:s:read|names']);
  await expect.poll(() => [...ended].sort()).toEqual([0, 1]);
  // The event sent once the API listens to the database.
  await expect.poll(() => streams.map(({ told }) => told.length)).toEqual([0, 0, 1, 1]);
  api.replaceTokens(['staying:s:read|names']);
  await expect.poll(() => [...ended].sort()).toEqual([0, 1, 2]);
});
