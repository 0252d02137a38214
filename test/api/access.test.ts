import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { isLoopback } from '../../services/api/access.ts';
import type { Api, ApiOptions } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { type Answer, ask, errorOf, serveWhile, startTestApi } from './support.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_access');
});
afterAll(() => analytics.drop());

const serving = (options: Partial<ApiOptions>, work: (api: Api) => Promise<void>): Promise<void> =>
  serveWhile(analytics.db, options, work);

/** A request with an arbitrary Host header, which fetch does not allow. */
function askAs(
  host: string | undefined,
  port: number,
  path = '/api/students',
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, path, headers: { host } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asking.on('error', reject);
    asking.end();
  });
}

/** The answer to these bytes. */
function askRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
}

describe('where it may listen', () => {
  test.each(['0.0.0.0', '::', '192.168.1.10', 'school.example', '', '128.0.0.1', 'localhost.example'])(
    'API_HOST=%s without tokens is refused before anything listens',
    async (host) => {
      const starting = startTestApi(analytics.db, { host });
      await expect(starting).rejects.toThrow(ConfigurationError);
      await expect(starting).rejects.toMatchObject({
        message: expect.stringContaining(`API_HOST=${host} `),
        hint: expect.stringMatching(/API_TOKENS.*API_AUTH=none/),
      });
    },
  );

  test.each(['127.0.0.1', '127.0.0.53', 'localhost', 'LOCALHOST'])('API_HOST=%s needs no token', async (host) => {
    await serving({ host }, async ({ url }) => {
      expect(await ask(`${url}/api/students`)).toMatchObject({ status: 200, body: [] });
    });
  });

  test('other addresses are served with tokens, or when API_AUTH=none says so', async () => {
    await serving({ host: '0.0.0.0', tokens: ['secret'] }, async ({ port }) => {
      expect((await ask(`http://127.0.0.1:${port}/api/students`)).status).toBe(401);
    });
    await serving({ host: '0.0.0.0', auth: 'none' }, async ({ url, port }) => {
      expect(url).toBe(`http://localhost:${port}`);
      expect((await ask(`http://127.0.0.1:${port}/api/students`)).status).toBe(200);
      expect(await askAs('10.1.2.3:8001', port)).toMatchObject({ status: 200 });
    });
  });

  test.each(['two words', 'clé', ''])('the token "%s", which no request could send, is refused', async (token) => {
    const starting = startTestApi(analytics.db, { tokens: ['good', token] });
    await expect(starting).rejects.toThrow(ConfigurationError);
    await expect(starting).rejects.toMatchObject({ message: expect.stringContaining('API_TOKENS') });
  });

  test('what is loopback', () => {
    const has = Object.values(networkInterfaces()).flat();
    const outside = has.find((address) => address?.internal === false)?.address ?? '10.0.0.1';
    for (const host of ['127.0.0.1', '127.255.255.254', '::1', 'localhost', '0:0:0:0:0:0:0:1'])
      expect(isLoopback(host), host).toBe(true);
    for (const host of [outside, '0.0.0.0', '::', '126.255.255.255', '127.0.0.1.nip.io', '127.1', '1::', 'local', ''])
      expect(isLoopback(host), host).toBe(false);
  });
});

describe('tokens', () => {
  let api: Api;
  const secret = 'correct-horse';
  beforeAll(async () => {
    api = await startTestApi(analytics.db, { tokens: ['battery-staple', secret] });
  });
  afterAll(() => api.stop());
  const as = (authorization?: string, path = '/api/students') =>
    ask(api.url + path, authorization === undefined ? {} : { headers: { authorization } });

  test('any of them is let in, the scheme in either case', async () => {
    for (const authorization of [`Bearer ${secret}`, 'bearer battery-staple', `Bearer  ${secret}`])
      expect((await as(authorization)).status).toBe(200);
  });

  test.each([
    undefined,
    secret,
    'Bearer',
    'Bearer ',
    'Bearer correct-horse2',
    'Bearer correct-hors',
    'Bearer Correct-Horse',
    'Bearer correct-horse battery-staple',
    'Bearer battery-staple,correct-horse',
    `Basic ${Buffer.from(`user:${secret}`).toString('base64')}`,
  ])('Authorization: %s is not', async (authorization) => {
    const answer = await as(authorization);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="prepadata"');
    const error = errorOf(answer);
    expect(error.code).toBe('unauthorized');
    expect(JSON.stringify(error)).not.toContain(secret);
  });

  test('every route asks for one, those that do not exist too, but not health', async () => {
    const routes = [
      '/api/ready',
      '/api/freshness',
      '/api/rejected',
      '/api/metrics/student/1',
      '/metrics',
      '/api/nowhere',
    ];
    for (const path of [...routes, '/api/Health', '/api/health/', '//api/health'])
      expect((await as(undefined, path)).status, path).toBe(401);
    expect((await as(undefined, '/api/health')).status).toBe(200);
  });

  test('a name of another site is refused before a token is looked at, an address is not', async () => {
    expect(await askAs('school.example', api.port)).toMatchObject({ status: 403 });
    expect(await askAs('school.example', api.port, '/api/health')).toMatchObject({ status: 403 });
    expect(await askAs('10.1.2.3:8001', api.port)).toMatchObject({ status: 401 });
    expect(await askAs('10.1.2.3:8001', api.port, '/api/health')).toMatchObject({ status: 200 });
  });
});

describe('names of this machine, while there are no tokens', () => {
  let api: Api;
  beforeAll(async () => {
    api = await startTestApi(analytics.db);
  });
  afterAll(() => api.stop());

  test.each(['localhost', 'localhost:8001', 'LocalHost:1', '127.0.0.1', '127.0.0.1:8001', '[::1]', '[::1]:8001'])(
    'Host: %s is served',
    async (host) => {
      expect(await askAs(host, api.port)).toMatchObject({ status: 200 });
    },
  );

  test.each([
    'evil.example',
    'evil.example:8001',
    '127.0.0.1.evil.example',
    'localhost.evil.example:80',
    'evil.example:127.0.0.1',
    '[::1].evil.example',
    '[::2]',
    '0.0.0.0:8001',
    '192.168.1.10',
    'user@localhost',
  ])('Host: %s is refused', async (host) => {
    for (const path of ['/api/students', '/api/health']) {
      const { status, text } = await askAs(host, api.port, path);
      expect(status).toBe(403);
      expect(JSON.parse(text)).toEqual({
        error: {
          code: 'forbidden_host',
          message: expect.stringContaining('Host header'),
          hint: expect.stringMatching(/localhost.*API_ALLOWED_HOSTS/),
        },
      });
    }
  });

  test('a request without a name is refused', async () => {
    for (const head of [
      'GET /api/students HTTP/1.1\r\nHost: \r\n',
      'GET /api/students HTTP/1.0\r\n',
      'GET /api/students HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n',
    ]) {
      const answer = await askRaw(api.port, `${head}Connection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 403 .*"code":"forbidden_host"/s);
    }
  });
});

describe('names that are allowed besides', () => {
  test.each(['token', 'none'] as const)('with API_AUTH=%s', async (auth) => {
    const options = {
      host: '0.0.0.0',
      auth,
      allowedHosts: ['Features.School.example'],
      tokens: auth === 'none' ? [] : ['t'],
    };
    await serving(options, async ({ port }) => {
      const letIn = auth === 'none' ? 200 : 401;
      expect((await askAs('features.school.EXAMPLE:8001', port)).status).toBe(letIn);
      expect((await askAs('localhost', port)).status).toBe(letIn);
      expect((await askAs('other.school.example', port)).status).toBe(403);
    });
  });

  test('API_ALLOWED_HOSTS=* lets any in, for a proxy that checks', async () => {
    await serving({ host: '0.0.0.0', auth: 'none', allowedHosts: ['*'] }, async ({ port }) => {
      expect((await askAs('evil.example', port)).status).toBe(200);
    });
  });
});

describe('what writes', () => {
  const post = (api: Api, headers: Record<string, string>, body?: string): Promise<Answer> =>
    ask(`${api.url}/api/pipeline/cancel`, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });
  const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
  const noRun = JSON.stringify({ run_id: '00000000-0000-4000-8000-000000000000' });

  test.each([
    ['none', {}],
    ['token', { authorization: 'Bearer t' }],
  ] as const)('with API_AUTH=%s: not for a page of another site', async (auth, headers) => {
    const options = { host: '0.0.0.0', auth, tokens: auth === 'none' ? [] : ['t'] };
    await serving(options, async (api) => {
      for (const origin of ['http://evil.example', 'https://10.9.9.9', 'null']) {
        const refused = await post(api, { ...JSON_TYPE, ...headers, origin }, noRun);
        expect([refused.status, errorOf(refused).code], origin).toEqual([403, 'forbidden_origin']);
      }
      expect(
        (await post(api, { ...JSON_TYPE, ...headers, origin: `http://localhost:${api.port}` }, noRun)).status,
      ).toBe(404);
      // That page cannot read an answer to a plain read, since no header allows it to.
      const read = await ask(`${api.url}/api/students`, { headers: { ...headers, origin: 'http://evil.example' } });
      expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([200, null]);
    });
  });

  test('a body that does not say that it is JSON is not read', async () => {
    await serving({}, async (api) => {
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'application/jsonp',
        'multipart/form-data',
      ]) {
        for (const body of [noRun, '']) {
          const refused = await post(api, { 'content-type': type }, body);
          expect([refused.status, errorOf(refused).code], type).toEqual([415, 'unsupported_media_type']);
        }
      }
      expect((await post(api, JSON_TYPE, noRun)).status).toBe(404);
      expect(errorOf(await post(api, {})).code).not.toBe('unsupported_media_type');
    });
  });
});
