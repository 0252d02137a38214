import http from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { interpose } from '../support/interpose.ts';
import { addCourseState, addPeople, insertAll, startTestApi } from './support.ts';

/* Lists are compressed for clients that accept it, and are not sent again to those that already have them. */

let analytics: TestDatabase;
let api: Api;
let onPart: (nth: number) => void;

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_list_encoding');
  const { db } = analytics;
  await addPeople(db, 100, 1);
  await addCourseState(db, 1, '2026-03-20');
  const students = Array.from({ length: 100 }, (_, n) => n + 1);
  await insertAll(
    db,
    'engagement_features',
    students.map((student_id) => ({ student_id, course_id: 1, engagement_score: student_id / 4 })),
  );
  await db.query(`INSERT INTO state.key (family, course_id, student_id, derived)
    SELECT 'engagement', 1, n, true FROM generate_series(1, 100) AS n`);
  await db.query(`INSERT INTO state.engagement_series (student_id, course_id, first_day, score, ma7, ma30, trend, events)
    SELECT n, 1, date '2026-03-20' - 99, a, a, a, a, a
    FROM generate_series(1, 100) AS n, (SELECT array_agg(d * 7919 % 10000) AS a FROM generate_series(1, 100) AS d) AS days`);
});
afterAll(() => analytics.drop());

beforeEach(async () => {
  onPart = () => {};
  let parts = 0;
  const hooked = interpose(analytics.db, (name, when) => {
    if (when !== 'before' || !name.endsWith('trends_page')) return;
    parts += 1;
    onPart(parts);
  });
  api = await startTestApi(hooked);
});
afterEach(() => api.stop());

interface Got {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** The raw answer to a request. */
function get(path: string, headers: http.OutgoingHttpHeaders = {}, method = 'GET'): Promise<Got> {
  return new Promise((resolve, reject) => {
    const request = http.request(api.url + path, { method, headers, agent: false }, (response) => {
      response
        .toArray()
        .then(
          (chunks) =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }),
          reject,
        );
    });
    request.once('error', reject).end();
  });
}

const LONG = '/api/engagement/trends?days=100';
const decode = { gzip: gunzipSync, br: brotliDecompressSync } as const;

describe('compression', () => {
  test.each([
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['gzip;q=0.5, br', 'br'],
    ['br;q=0.1, gzip;q=0.9', 'gzip'],
    ['gzip, deflate', 'gzip'],
  ] as const)('%s gets %s, and the same list', async (accepted, encoding) => {
    for (const path of ['/api/students', LONG, '/features']) {
      const plain = await get(path);
      expect(plain.headers['content-encoding']).toBeUndefined();
      const packed = await get(path, { 'accept-encoding': accepted });
      expect([packed.status, packed.headers['content-encoding']]).toEqual([200, encoding]);
      expect(packed.headers.vary).toMatch(/accept-encoding/i);
      expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 2);
      expect(decode[encoding](packed.bytes).equals(plain.bytes)).toBe(true);
    }
  });

  test.each(['identity', 'deflate', 'zstd', 'gzip;q=0', 'identity;q=0', '*;q=0', 'nonsense,,;'])(
    '%s gets it as it is',
    async (accepted) => {
      const answer = await get('/api/students', { 'accept-encoding': accepted });
      expect([answer.status, answer.headers['content-encoding']]).toEqual([200, undefined]);
      expect(JSON.parse(answer.bytes.toString())).toHaveLength(100);
    },
  );

  test('a short list is not worth it, and what is no list is left alone', async () => {
    for (const path of ['/api/students?limit=1', '/api/metrics/course/1', '/metrics', '/openapi.json']) {
      const { headers } = await get(path, { 'accept-encoding': 'gzip' });
      expect([path, headers['content-encoding']]).toEqual([path, undefined]);
    }
  });

  test.each(['gzip', 'br'])('a failure in the middle does not look like the whole (%s)', async (accepted) => {
    onPart = (nth) => {
      if (nth > 3) throw Object.assign(new Error('no'), { code: '57P01' });
    };
    await expect(get(LONG, { 'accept-encoding': accepted })).rejects.toThrow(/aborted|socket hang up/);
    const counted = (await get('/metrics')).bytes.toString();
    expect(counted).toMatch(/http_requests_total{method="GET",route="\/api\/engagement\/trends",status="503"} 1/);
  });

  test('HEAD says what GET would', async () => {
    const head = await get('/api/students', { 'accept-encoding': 'gzip' }, 'HEAD');
    expect([head.status, head.bytes.length, head.headers.etag]).toEqual([
      200,
      0,
      (await get('/api/students')).headers.etag,
    ]);
  });
});

describe('tags', () => {
  test('who has the list is told so, and sent nothing', async () => {
    const first = await get('/api/students?limit=50');
    expect(first.headers.etag).toMatch(/^W\/"/);
    for (const accepted of ['identity', 'gzip', 'br']) {
      const again = await get('/api/students?limit=50', {
        'if-none-match': `"other", ${first.headers.etag}`,
        'accept-encoding': accepted,
      });
      expect([again.status, again.bytes.length, again.headers.etag]).toEqual([304, 0, first.headers.etag]);
      expect(again.headers.link).toBe(first.headers.link);
      expect(again.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      expect(again.headers['content-encoding']).toBeUndefined();
    }
  });

  test('when anything in it changes, it is sent', async () => {
    const tag = (await get('/api/students')).headers.etag;
    await analytics.db.query('UPDATE engagement_features SET engagement_score = 77 WHERE student_id = 1');
    const changed = await get('/api/students', { 'if-none-match': tag });
    expect([changed.status, JSON.parse(changed.bytes.toString())[0].engagement]).toEqual([200, 77]);
    expect(changed.headers.etag).not.toBe(tag);
    expect((await get('/api/students?courseId=1')).headers.etag).not.toBe(changed.headers.etag);
  });

  test('refusals, what is no list, and what is sent as it is read have none', async () => {
    for (const path of ['/api/students?limit=x', '/api/freshness', LONG]) {
      const { headers } = await get(path);
      expect([path, headers.etag]).toEqual([path, undefined]);
    }
    expect((await get(LONG, { 'if-none-match': '"x"' })).status).toBe(200);
  });
});
