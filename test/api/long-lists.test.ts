import { once } from 'node:events';
import http from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { engagementTrendsAnswer } from '#libs/serve/engagement-trends.ts';
import { temporalAnswer } from '#libs/serve/temporal.ts';
import { LongAnswer } from '../../services/api/long-answer.ts';
import type { Api } from '../../services/api/role.ts';
import { pageReply } from '../../services/api/routes/page.ts';
import { ANYBODY } from '../../services/api/tokens.ts';
import { jsonOf } from '../../services/api/write.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { interpose } from '../support/interpose.ts';
import { addCourseState, addPeople, ask, startTestApi, walk } from './support.ts';

/*
 * Lists whose answers are sent while they are read: complete for those who follow no Link header, in bounded memory, and
 * never a part that looks like the whole.
 */

const KEYS = 150;
const DAYS = 360;
const TRENDS = '/api/engagement/trends?days=360';
const MOST = 50_000;

let analytics: TestDatabase;
let api: Api;
/** Called before each statement that reads part of a list. */
let onPart: (nth: number) => void | Promise<void>;
let parts: number;

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_long_lists');
  const { db } = analytics;
  await addPeople(db, KEYS, 5);
  for (const course of [1, 2, 3, 4, 5]) await addCourseState(db, course, '2026-03-20');
  // All students are in course 1; the first of them is in the other four too.
  await db.query(`INSERT INTO state.key (family, course_id, student_id, derived)
    SELECT 'engagement', 1, n, true FROM generate_series(1, ${KEYS}) AS n
    UNION ALL SELECT 'engagement', c, 1, true FROM generate_series(2, 5) AS c`);
  await db.query(`INSERT INTO state.engagement_series (student_id, course_id, first_day, score, ma7, ma30, trend, events)
    SELECT k.student_id, k.course_id, date '2026-03-20' - ${DAYS - 1}, days, days, days, days, days
    FROM state.key AS k, (SELECT array_agg(d * 7919 % 10000) AS days FROM generate_series(1, ${DAYS}) AS d) AS series`);
});
afterAll(() => analytics.drop());

beforeEach(async () => {
  parts = 0;
  onPart = () => {};
  const hooked = interpose(analytics.db, async (name, when) => {
    if (when !== 'before' || !/_(trends|temporal)?_?page$/.test(name)) return;
    parts += 1;
    await onPart(parts);
  });
  api = await startTestApi(hooked);
});
afterEach(() => api.stop());

const ROWS = (KEYS + 4) * DAYS;

describe('whole for those who follow no Link header', () => {
  test('trends: as many as an answer may hold without a limit, and a Link where that is not all', async () => {
    const { body, headers } = await ask(api.url + TRENDS);
    const rows = engagementTrendsAnswer.parse(body);
    expect(rows).toHaveLength(MOST);
    expect(new Set(rows.map((row) => `${row.course_id} ${row.student_id} ${row.feature_date}`)).size).toBe(MOST);
    expect(headers.get('link')).toMatch(/rel="next"$/);
    const walked = await walk(api, TRENDS);
    expect(walked.sizes).toEqual([MOST, ROWS - MOST]);
    expect(walked.rows.slice(0, MOST)).toEqual(body);
    expect((await walk(api, `${TRENDS}&limit=9000`)).rows).toEqual(walked.rows);
    const one = await ask(`${api.url}${TRENDS}&course_id=2`);
    expect([one.body, one.headers.get('link')]).toEqual([
      walked.rows.filter((row) => (row as { course_id: number }).course_id === 2),
      null,
    ]);
  });

  test('temporal: all days of a student in all courses', async () => {
    const { body, headers } = await ask(`${api.url}/api/features/temporal/1`);
    const rows = temporalAnswer.parse(body);
    expect(rows).toHaveLength(5 * DAYS);
    expect(headers.get('link')).toBeNull();
    expect((await walk(api, '/api/features/temporal/1?limit=77')).rows).toEqual(rows);
    expect((await walk(api, '/api/features/temporal/1?limit=1300')).sizes).toEqual([1300, 500]);
  });

  test.each([999, 1799, 1800, 1801, 2000])('a page of %i of 1,800 rows', async (limit) => {
    const { rows, sizes } = await walk(api, `/api/features/temporal/1?limit=${limit}`);
    expect(sizes).toEqual(limit < 1800 ? [limit, 1800 - limit] : [1800]);
    expect(rows).toEqual((await ask(`${api.url}/api/features/temporal/1`)).body);
  });

  test('HEAD has the headers of GET and reads no further', async () => {
    const got = await ask(api.url + TRENDS);
    parts = 0;
    const head = await ask(api.url + TRENDS, { method: 'HEAD' });
    expect([head.status, head.headers.get('link')]).toEqual([200, got.headers.get('link')]);
    expect(parts).toBe(2);
  });
});

/** Opens an answer without reading any of it yet. */
function open(path: string): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    http.get(api.url + path, { agent: false }, resolve).once('error', reject);
  });
}

async function textOf(response: http.IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

test('nothing is read before there is room for it', async () => {
  let asked = 0;
  async function* more(): AsyncGenerator<number[]> {
    while (asked < 1_000) {
      asked += 1;
      yield [asked];
    }
  }
  const request = {
    caller: ANYBODY,
    path: '/',
    params: {},
    query: {},
    accepts: () => null,
    left: () => new AbortController().signal,
    readBody: async () => ({}),
  };
  const reply = pageReply({ rows: [0], more: more(), next: null }, request);
  if (!(reply.body instanceof LongAnswer)) throw new Error('the page is not sent as it is read');
  const body = Readable.from(jsonOf(reply.body));
  const taken: unknown[] = [];
  body.on('data', (chunk) => {
    if (taken.push(chunk) === 5) body.pause();
  });
  await sleep(200);
  expect(taken).toEqual(['[0', ',1', ',2', ',3', ',4']);
  expect(asked).toBeLessThan(10);
  body.resume();
  await once(body, 'end');
  expect(JSON.parse(taken.join(''))).toEqual(Array.from({ length: 1_001 }, (_, n) => n));
});

test('a reader that begins late has everything', async () => {
  const response = await open(TRENDS);
  await sleep(1_000);
  expect(JSON.parse(await textOf(response))).toHaveLength(MOST);
});

test('a reader that leaves ends the reading', async () => {
  const response = await open(TRENDS);
  response.destroy();
  const seen = parts;
  await sleep(300);
  expect(parts).toBeLessThan(seen + 30);
  const settled = parts;
  await sleep(300);
  expect(parts).toBe(settled);
});

test.each([
  ['of ours', new TypeError('no'), 500],
  ['of the database', Object.assign(new Error('no'), { code: '57P01' }), 503],
])('a failure %s in the middle does not look like the whole', async (_, error, status) => {
  onPart = (nth) => {
    if (nth > 6) throw error;
  };
  const response = await open(TRENDS);
  expect(response.statusCode).toBe(200);
  let text = '';
  const whole = (async () => {
    for await (const chunk of response) text += String(chunk);
  })();
  await expect(whole).rejects.toThrow(/aborted/);
  expect(response.complete).toBe(false);
  expect(text.length).toBeGreaterThan(1000);
  expect(() => JSON.parse(text)).toThrow();
  const count = new RegExp(
    `prepadata_http_requests_total{method="GET",route="/api/engagement/trends",status="${status}"} 1`,
  );
  expect(await (await fetch(`${api.url}/metrics`)).text()).toMatch(count);
  onPart = () => {};
  expect((await ask(`${api.url}${TRENDS}&course_id=2`)).status).toBe(200);
});

test('a failure before the first row is an error like any other', async () => {
  onPart = (nth) => {
    if (nth === 2) throw Object.assign(new Error('no'), { code: '57P01' });
  };
  expect(await ask(api.url + TRENDS)).toMatchObject({ status: 503, body: { error: { code: 'database_unavailable' } } });
});

test('a server that drains lets a long answer end', async () => {
  const response = await open(TRENDS);
  const stopped = api.stop();
  expect(JSON.parse(await textOf(response))).toHaveLength(MOST);
  await stopped;
});

describe('while rows come and go', () => {
  const key = (row: { course_id: number; student_id: number; feature_date: string }): string =>
    `${row.course_id} ${row.student_id} ${row.feature_date}`;
  const whole = async (): Promise<string[]> => engagementTrendsAnswer.parse((await walk(api, TRENDS)).rows).map(key);

  test('those that stay are there once each, though the last of the page goes or its place is another', async () => {
    const before = await whole();
    // Row 50,000 belongs to student 139.
    parts = 0;
    onPart = async (nth) => {
      if (nth !== 4) return;
      await analytics.db.query(`UPDATE state.engagement_series SET first_day = first_day + 200, score = score[201:],
        ma7 = ma7[201:], ma30 = ma30[201:], trend = trend[201:], events = events[201:] WHERE student_id IN (139, 90)`);
    };
    const meanwhile = await whole();
    const after = new Set(meanwhile);
    expect(after.size).toBe(meanwhile.length);
    const gone = before.filter((row) => !after.has(row));
    expect(gone.length).toBeGreaterThan(0);
    expect(gone.every((row) => /^1 (139|90) /.test(row))).toBe(true);
    parts = 0;
    onPart = async (nth) => {
      if (nth !== 4) return;
      await analytics.db.query(`UPDATE state.engagement_series SET first_day = first_day - 200,
        score = array_fill(1, ARRAY[200]) || score, ma7 = array_fill(1, ARRAY[200]) || ma7,
        ma30 = array_fill(1, ARRAY[200]) || ma30, trend = array_fill(1, ARRAY[200]) || trend,
        events = array_fill(1, ARRAY[200]) || events WHERE student_id IN (139, 90)`);
    };
    const again = await whole();
    expect(new Set(again).size).toBe(again.length);
    const seen = new Set(again);
    expect([...after].every((row) => seen.has(row))).toBe(true);
  });
});
