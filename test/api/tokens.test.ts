import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { Attempts } from '../../services/api/attempts.ts';
import type { Api, ApiOptions } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { type Answer, ask, errorOf, insert, serveWhile, startTestApi } from './support.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_tokens');
});
afterAll(() => analytics.drop());

const serving = (options: Partial<ApiOptions>, work: (api: Api) => Promise<void>): Promise<void> =>
  serveWhile(analytics.db, options, work);

describe('scopes', () => {
  const TOKENS = ['dash:r:read', 'nightly:x:run', 'watch:o:ops', 'teacher:n:read|names', 'old'];
  const WANTED: readonly (readonly [method: string, path: string, letIn: string])[] = [
    ['GET', '/api/students', 'r n old'],
    ['GET', '/api/metrics/student/1', 'r n old'],
    ['GET', '/api/anomalies', 'r n old'],
    ['GET', '/features', 'r n old'],
    ['GET', '/api/rejected', 'o old'],
    ['GET', '/metrics', 'o old'],
    ['GET', '/api/status', 'r x o n old'],
    ['GET', '/api/freshness', 'r x o n old'],
    ['GET', '/api/ready', 'r x o n old'],
    ['GET', '/api/pipeline/status', 'r x o n old'],
    ['POST', '/api/pipeline/trigger', 'x old'],
    ['POST', '/api/pipeline/cancel', 'x old'],
    ['GET', '/openapi.json', 'r x o n old'],
    ['GET', '/api/health', 'r x o n old'],
  ];

  test('a token is let in where it is for, and told what it lacks where it is not', async () => {
    await serving({ tokens: TOKENS }, async ({ url }) => {
      for (const [method, path, letIn] of WANTED) {
        for (const token of ['r', 'x', 'o', 'n', 'old']) {
          const response = await fetch(url + path, { method, headers: { authorization: `Bearer ${token}` } });
          const body = await response.text();
          const isLetIn = response.status !== 403;
          expect(isLetIn, `${token} ${method} ${path}`).toBe(letIn.split(' ').includes(token));
          if (!isLetIn) expect(body).toMatch(/"code":"missing_scope".*the token .* asks for the scope/);
        }
      }
    });
  });

  test('bytes among which names may be are for who may see names as well; what is known of them is for ops', async () => {
    const put = (origin: string, reason: string): Promise<void> =>
      insert(analytics.db, 'rejected_change', {
        ...{ origin, source_table: 'students', epoch: 1, lsn: 1, reason, rejected_at: '2026-03-20T08:00:00Z' },
        payload: `of ${origin}`,
      });
    for (const [origin, reason] of [
      ['a:0:1', 'undecodable'],
      ['b:0:1', 'malformed_record'],
      ['grades:1', 'bad_max'],
    ] as const)
      await put(origin, reason);
    const both = 'boss:b:ops|names';
    await serving({ tokens: [...TOKENS, both] }, async ({ url }) => {
      const as = async (token: string, accept = '*/*'): Promise<string> => {
        const headers = { authorization: `Bearer ${token}`, accept };
        return (await fetch(`${url}/api/rejected`, { headers })).text();
      };
      const seen = async (token: string): Promise<unknown> =>
        JSON.parse(await as(token)).map((row: Record<string, unknown>) => [
          row['origin'],
          row['payload'],
          row['withheld'],
        ]);
      const grades = ['grades:1', 'of grades:1', null];
      for (const token of ['o', 'old']) {
        expect(await seen(token)).toEqual([grades, ['b:0:1', null, 'names'], ['a:0:1', null, 'names']]);
        expect(await as(token, 'text/csv')).not.toMatch(/of [ab]:0:1/);
      }
      expect(await seen('b')).toEqual([grades, ['b:0:1', 'of b:0:1', null], ['a:0:1', 'of a:0:1', null]]);
    });
  });

  test.each([
    ['dash:r:write', /item 1 .*name:token:scope\|scope/],
    [':r:read', /item 1/],
    ['dash::read', /item 1/],
    ['dash:r:read:more', /item 1/],
    ['dash:r:', /item 1/],
    ['dash:board-secret', /item 1/],
  ])('%s is refused without being shown', async (text, message) => {
    const starting = startTestApi(analytics.db, { tokens: [text] });
    await expect(starting).rejects.toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringContaining('read, run, names, ops'),
    });
    await expect(starting).rejects.not.toMatchObject({ message: expect.stringContaining(text) });
  });

  test('one name or one token twice is refused', async () => {
    await expect(startTestApi(analytics.db, { tokens: ['a:x:read', 'a:y:read'] })).rejects.toThrow('have the name a');
    await expect(startTestApi(analytics.db, { tokens: ['a:x:read', 'b:x:run'] })).rejects.toThrow('one token twice');
  });

  test('tokens may be replaced while it serves', async () => {
    await serving({ tokens: ['a:old:read'] }, async (api) => {
      const as = async (token: string) =>
        (await ask(`${api.url}/api/students`, { headers: { authorization: `Bearer ${token}` } })).status;
      api.replaceTokens(['a:new:read']);
      expect([await as('old'), await as('new')]).toEqual([401, 200]);
      expect(() => api.replaceTokens([])).toThrow(ConfigurationError);
      expect(() => api.replaceTokens(['a:b:nonsense'])).toThrow(ConfigurationError);
      expect(await as('new')).toBe(200);
    });
  });
});

describe('probes', () => {
  test('readiness and metrics are open where a setting says so, and say nothing of anybody', async () => {
    const checks = (): string[] => ['engagement: student 7 in course 3 is set aside'];
    await serving({ tokens: ['t'], openProbes: true, checks }, async ({ url }) => {
      expect((await fetch(`${url}/metrics`)).status).toBe(200);
      const ready = await ask(`${url}/api/ready`);
      expect([ready.status, JSON.stringify(ready.body)]).toEqual([503, expect.not.stringContaining('student 7')]);
      const told = await ask(`${url}/api/ready`, { headers: { authorization: 'Bearer t' } });
      expect(JSON.stringify(told.body)).toContain('student 7');
      expect((await ask(`${url}/api/freshness`)).status).toBe(401);
    });
  });
});

describe('wrong tokens', () => {
  test('many of one address are not looked at for a while; one that was right before is let in', async () => {
    await serving({ tokens: ['a:right:read', 'b:late:read'] }, async ({ url }) => {
      const as = (token: string): Promise<Answer> =>
        ask(`${url}/api/students`, { headers: { authorization: `Bearer ${token}` } });
      expect((await as('right')).status).toBe(200);
      for (let n = 0; n < 30; n += 1) expect((await as(`guess-${n}`)).status).toBe(401);
      const refused = await as('guess');
      expect([refused.status, errorOf(refused).code]).toEqual([429, 'too_many_attempts']);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      // Not even whether the token is right can be learned.
      expect((await as('late')).status).toBe(429);
      expect((await as('right')).status).toBe(200);
    });
  });

  test('after a minute it may try again, and other addresses always', () => {
    const attempts = new Attempts();
    for (let n = 0; n < 30; n += 1) attempts.failed('10.0.0.1', 1_000 + n);
    expect(attempts.secondsToWait('10.0.0.1', 'x', 2_000)).toBe(59);
    expect(attempts.secondsToWait('10.0.0.2', 'x', 2_000)).toBe(0);
    expect(attempts.secondsToWait('10.0.0.1', 'x', 61_000)).toBe(0);
    attempts.failed('10.0.0.1', 61_000);
    expect(attempts.secondsToWait('10.0.0.1', 'x', 61_001)).toBe(0);
  });
});

describe('the access record', () => {
  test('has a line for each request but probes: who, what, about whom; and no token; apart from it, who was not let in', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-access-'));
    const file = path.join(folder, 'access.log');
    await serving({ tokens: ['dash:hidden-token:read'], accessRecord: file }, async ({ url }) => {
      const headers = { authorization: 'Bearer hidden-token' };
      const answer = await ask(`${url}/api/metrics/student/41?course_id=3`, { headers });
      await ask(`${url}/api/students`, { headers: { authorization: 'Bearer hidden-guess' } });
      await ask(`${url}/api/pipeline/trigger`, { method: 'POST', headers });
      await ask(`${url}/api/students?limit=2&access_token=hidden-elsewhere`, { headers });
      await ask(`${url}/api/health`);
      const text = readFileSync(file, 'utf8');
      const lines = text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
      const common = { time: '2026-03-20T12:00:00.000Z', address: '127.0.0.1' };
      expect(lines).toEqual([
        {
          ...common,
          requestId: answer.headers.get('x-request-id'),
          token: 'dash',
          method: 'GET',
          path: '/api/metrics/student/41',
          query: 'course_id=3',
          status: 400,
        },
        {
          ...common,
          requestId: expect.any(String),
          token: 'dash',
          method: 'POST',
          path: '/api/pipeline/trigger',
          query: '',
          status: 403,
        },
        {
          ...common,
          requestId: expect.any(String),
          token: 'dash',
          method: 'GET',
          path: '/api/students',
          query: 'limit=2&access_token=…',
          status: 400,
        },
      ]);
      const refused = readFileSync(`${file}.refused`, 'utf8');
      expect(JSON.parse(refused)).toEqual({
        ...common,
        requestId: expect.any(String),
        token: null,
        method: 'GET',
        path: '/api/students',
        query: '',
        status: 401,
      });
      expect(text + refused).not.toContain('hidden');
      for (const each of [file, `${file}.refused`]) expect(statSync(each).mode & 0o777).toBe(0o600);
    });
    rmSync(folder, { recursive: true });
  });

  test('in a file that cannot be written is refused at the start', async () => {
    const starting = startTestApi(analytics.db, { accessRecord: '/dev/null/access.log' });
    await expect(starting).rejects.toMatchObject({
      message: expect.stringContaining('/dev/null/access.log'),
      hint: expect.stringContaining('API_ACCESS_RECORD'),
    });
  });
});
