import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listenForRequests } from '../../services/api/listen.ts';
import type { Api } from '../../services/api/role.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { startTestApi } from './support.ts';

/* Malformed or oversized requests are refused in the one shape that all errors have. */

let analytics: TestDatabase;
let api: Api;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('api_unread');
  api = await startTestApi(analytics.db);
});
afterAll(async () => {
  await api.stop();
  await analytics.drop();
});

async function open(): Promise<Socket> {
  const socket = connect(api.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** Everything that comes back for these bytes, until the server closes. */
async function exchange(sent: string): Promise<string> {
  const socket = await open();
  socket.write(sent);
  return (await socket.toArray()).join('');
}

const get = (path: string, ...headers: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n');

test.each([
  ['an address that is too long', get(`/api/students?cursor=${'a'.repeat(20_000)}`), 431, 'headers_too_large'],
  ['headers that are too long', get('/api/students', `Cookie: ${'a'.repeat(20_000)}`), 431, 'headers_too_large'],
  ['no HTTP', 'hello\r\n\r\n', 400, 'malformed_request'],
  ['TLS', '\u0016\u0003\u0001\u0002', 400, 'malformed_request'],
  ['a space in the address', get('/api/a b'), 400, 'malformed_request'],
  [
    'a body of two lengths',
    'POST /api/pipeline/cancel HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n',
    400,
    'malformed_request',
  ],
  [
    'a body that breaks off in a wrong piece',
    'POST /api/pipeline/cancel HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    400,
    'malformed_request',
  ],
])('%s', async (_, sent, status, code) => {
  const [head = '', body = ''] = (await exchange(sent)).split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toMatch(/content-type: application\/json; charset=utf-8/);
  expect(head).toMatch(/x-request-id: [0-9a-f-]{36}/);
  expect(head).toMatch(/cache-control: no-store/);
  expect(JSON.parse(body)).toEqual({
    error: { code, message: expect.stringMatching(/./), hint: expect.stringMatching(/./) },
  });
  expect((await fetch(`${api.url}/api/health`)).status).toBe(200);
});

test.each([
  ['has begun', true],
  ['has not begun', false],
])('rubbish behind a request whose answer %s does not become a part of it', async (_, hasBegun) => {
  let answered = (): void => {};
  const listener = await listenForRequests('127.0.0.1', 0, (_request, response) => {
    if (hasBegun) response.write('one');
    answered = () => void response.end('two');
  });
  const socket = connect(listener.port, '127.0.0.1');
  const all = socket.toArray();
  socket.write(get('/'));
  if (hasBegun) await once(socket, 'readable');
  socket.write('rubbish\r\n\r\n');
  const text = (await all).join('');
  answered();
  expect(text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  if (hasBegun) expect(text).toMatch(/one\r\n$/);
  else expect(text).toMatch(/^HTTP\/1\.1 400 .*malformed_request/s);
  expect(text).not.toContain('two');
  await listener.close(1_000);
});

test('an expectation that nobody knows is no reason to refuse', async () => {
  expect(await exchange(get('/api/health', 'Expect: miracles', 'Connection: close'))).toMatch(/^HTTP\/1.1 200 /);
});
