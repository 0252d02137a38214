import { afterAll, beforeAll, expect, test } from 'vitest';
import { PrepaError } from '#libs/domain/errors.ts';
import type { Log } from '#libs/platform/log.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { addPeople, ask, errorOf, startTestApi } from './support.ts';

let analytics: TestDatabase;
let api: Api;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_answers');
  await addPeople(analytics.db, 1, 1);
  api = await startTestApi(analytics.db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

const READS = [
  '/api/health',
  '/api/ready',
  '/api/metrics/student/1',
  '/api/metrics/course/1',
  '/api/metrics/course/1/students',
  '/api/metrics/course/1/days',
  '/api/metrics/course/1/work',
  '/api/engagement/trends',
  '/api/features/temporal/1',
  '/api/trajectory/1',
  '/api/students',
  '/api/anomalies',
  '/api/freshness',
  '/api/rejected',
  '/features',
];

test.each([
  '/api',
  '/api/',
  '/api/nothing',
  '/api/students/',
  '/API/students',
  '/api/metrics/student',
  '/api/metrics/student/',
  '/api/metrics/student/1/2',
  '/api/metrics/course',
  '/api/features/temporal',
  '/api/trajectory/',
  '/metrics/',
  '/favicon.ico',
])('%s does not exist', async (path) => {
  const answer = await ask(api.url + path);
  expect(answer.status).toBe(404);
  expect(errorOf(answer)).toMatchObject({ code: 'not_found', message: `there is no ${path}` });
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is refused with what is allowed', async (method) => {
  for (const path of READS) {
    const answer = await ask(api.url + path, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD');
    expect(errorOf(answer)).toEqual({
      code: 'method_not_allowed',
      message: `${path} does not take ${method}`,
      hint: 'ask with GET or HEAD',
    });
  }
  expect((await ask(`${api.url}/api/nothing`, { method })).status).toBe(404);
});

test('HEAD answers as GET does, without the body', async () => {
  for (const path of [...READS, '/api/nothing', '/api/students?limit=x', '/api/metrics/student/7']) {
    const got = await fetch(api.url + path);
    const length = (await got.arrayBuffer()).byteLength;
    const head = await ask(api.url + path, { method: 'HEAD' });
    expect(head.status).toBe(got.status);
    expect(head.body).toBeUndefined();
    if (path !== '/api/freshness') expect(Number(head.headers.get('content-length'))).toBe(length);
  }
});

test('every route refuses a parameter it does not have', async () => {
  for (const path of READS) {
    const answer = await ask(`${api.url}${path}?depth=3`);
    expect(answer.status).toBe(400);
    expect(errorOf(answer)).toMatchObject({ code: 'unknown_parameter', message: 'there is no parameter "depth" here' });
  }
});

test('every answer has a request id of its own', async () => {
  const ids = new Set<string | null>();
  for (let i = 0; i < 5; i += 1) ids.add((await ask(`${api.url}/api/health`)).headers.get('x-request-id'));
  expect(ids.size).toBe(5);
});

test('many requests at once', async () => {
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask(`${api.url}/api/metrics/student/1`)));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
});

/** A log that records its lines. */
function recordedLog(): { log: Log; lines: { level: string; values: Record<string, unknown> }[] } {
  const lines: { level: string; values: Record<string, unknown> }[] = [];
  const log = openLog('silent');
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    log[level] = (values: unknown) => {
      lines.push({ level, values: values as Record<string, unknown> });
    };
  }
  return { log, lines };
}

const failing = (error: unknown): Database => ({ ...analytics.db, query: () => Promise.reject(error) });

test('a failure of ours is a 500 that tells where to look and nothing else', async () => {
  const { log, lines } = recordedLog();
  const error = new TypeError('secret_table is not iterable');
  const broken = await startTestApi(failing(error), { log });
  try {
    const answer = await ask(`${broken.url}/api/students`);
    expect(answer.status).toBe(500);
    const requestId = answer.headers.get('x-request-id');
    expect(errorOf(answer)).toEqual({
      code: 'internal',
      message: `something went wrong inside; the request is ${requestId}`,
      hint: `look for "${requestId}" in the log of this service, and report what it says`,
    });
    expect(JSON.stringify(answer.body)).not.toContain('secret_table');
    // The service's own measurements fail too, and log errors of their own.
    const logged = lines.filter(({ level, values }) => level === 'error' && 'requestId' in values);
    expect(logged).toMatchObject([{ values: { requestId, err: error, path: '/api/students' } }]);
  } finally {
    await broken.stop();
  }
});

test.each([
  ['thrown text', 'oops', 500, 'internal'],
  ['nothing at all', undefined, 500, 'internal'],
  ['an error of Postgres about the statement', Object.assign(new Error('no'), { code: '42P01' }), 500, 'internal'],
  ['a server that shuts down', Object.assign(new Error('no'), { code: '57P01' }), 503, 'database_unavailable'],
  ['an error that is meant to be told', new PrepaError('torn', 'it is torn', 'fix it'), 500, 'torn'],
])('%s becomes one shape', async (_, error, status, code) => {
  const broken = await startTestApi(failing(error), { log: recordedLog().log });
  try {
    const answer = await ask(`${broken.url}/api/students`);
    expect(answer.status).toBe(status);
    expect(errorOf(answer).code).toBe(code);
    expect(await ask(`${broken.url}/api/ready`)).toMatchObject({ status: 503, body: { status: 'not ready' } });
    expect(await ask(`${broken.url}/api/health`)).toMatchObject({ status: 200 });
  } finally {
    await broken.stop();
  }
});

test('a value that JSON cannot hold is a failure like any other', async () => {
  const db: Database = { ...analytics.db, query: async <R extends object>() => [{ alive: 1n } as R] };
  const broken = await startTestApi(db, { log: recordedLog().log });
  try {
    const answer = await ask(`${broken.url}/api/freshness`);
    expect(answer.status).toBe(500);
    expect(errorOf(answer).code).toBe('internal');
  } finally {
    await broken.stop();
  }
});
