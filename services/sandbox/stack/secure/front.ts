import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { StackCredentials } from './credentials.ts';

/** TLS and a password in front of a service that has neither. */
export interface Front {
  /** `https://host:port` */
  readonly url: string;
  close(): void;
}

const LOOPBACK = '127.0.0.1';
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Puts TLS and a password in front of a service on this machine. It does not keep its process alive.
 * @param target `http://host:port`
 * @param login `user:password`
 */
export async function startFront(
  { certificate, key }: Pick<StackCredentials, 'certificate' | 'key'>,
  target: string,
  login: string,
): Promise<Front> {
  const expected = digest(`Basic ${Buffer.from(login).toString('base64')}`);
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (asked, answer) => {
    if (timingSafeEqual(digest(asked.headers.authorization ?? ''), expected)) passOn(asked, answer, target);
    else answer.writeHead(401, { 'www-authenticate': 'Basic', 'content-type': 'application/json' }).end('{}');
  });
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, LOOPBACK, resolve);
  });
  return {
    url: `https://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function passOn(asked: IncomingMessage, answer: ServerResponse, target: string): void {
  const { authorization: _, ...headers } = asked.headers;
  const { method = 'GET', url = '/' } = asked;
  const onward = request(new URL(url, target), { method, headers }, (said) => {
    answer.writeHead(said.statusCode ?? 502, said.headers);
    said.pipe(answer);
  });
  // The service behind is down at the moment.
  onward.once('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
  asked.pipe(onward);
}
