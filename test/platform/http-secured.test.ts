import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRegistry } from '#libs/platform/registry/registry.ts';

/* A registry behind TLS with its own certificate, and behind a password. */

const TLS = path.resolve(import.meta.dirname, '../support/tls');
const read = (file: string): string => readFileSync(path.join(TLS, file), 'utf8');
const [CA, EXPIRED] = [read('server.crt'), read('expired.crt')];
const LOGIN = `Basic ${Buffer.from('user:a word').toString('base64')}`;

const registryWith = (cert: string): Server =>
  createServer({ cert, key: read('server.key') }, (request, response) => {
    const isKnown = request.headers.authorization === LOGIN;
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify({ id: 7 }));
  });
const servers = [registryWith(CA), registryWith(EXPIRED)];
let [url, late] = ['', ''];

beforeAll(async () => {
  const listening = servers.map(async (server) => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `https://localhost:${(server.address() as AddressInfo).port}`;
  });
  [url = '', late = ''] = await Promise.all(listening);
});
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const register = (options: Parameters<typeof openRegistry>[0]): Promise<number> =>
  openRegistry(options).register('subject', '"string"');

test('is reached with the certificate to trust and the login that settings name', async () => {
  expect(await register({ url, ca: CA, login: 'user:a word' })).toBe(7);
});

test('is not believed without, or with another', async () => {
  const said = /schema registry https:\/\/localhost:\d+ shows a certificate that is not trusted \(…_SSL_CA_LOCATION\)/;
  await expect(register({ url })).rejects.toThrow(said);
  await expect(register({ url, ca: EXPIRED })).rejects.toThrow(said);
});

test('says when its certificate has expired', async () => {
  await expect(register({ url: late, ca: EXPIRED })).rejects.toThrow(/shows a certificate that has expired/);
});

test.each([undefined, 'user:guess'])('says that it does not take the login %s, and not which it was', async (login) => {
  const asked = register({ url, ca: CA, ...(login === undefined ? {} : { login }) });
  await expect(asked).rejects.toThrow(/does not take the login of SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO \(HTTP 401\)/);
  await expect(asked).rejects.not.toThrow(/guess/);
});
