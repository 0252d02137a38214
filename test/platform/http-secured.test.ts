import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRegistry } from '#libs/platform/registry/registry.ts';

/* A registry behind TLS with a certificate of its own, and behind a password. */

const TLS = path.resolve(import.meta.dirname, '../support/tls');
const read = (file: string): string => readFileSync(path.join(TLS, file), 'utf8');
const CA = read('server.crt');

let authorization: string | undefined;
const server = createServer({ cert: CA, key: read('server.key') }, (request, response) => {
  authorization = request.headers.authorization;
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ id: 7 }));
});
let url = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('is reached with the certificate to trust and the login that settings name', async () => {
  expect(await openRegistry({ url, ca: CA, login: 'user:a word' }).register('subject', '"string"')).toBe(7);
  expect(authorization).toBe(`Basic ${Buffer.from('user:a word').toString('base64')}`);
});

test('is not believed without', async () => {
  await expect(openRegistry({ url }).register('subject', '"string"')).rejects.toThrow(
    /schema registry https:\/\/localhost:\d+ does not answer: .*self-signed/,
  );
});
