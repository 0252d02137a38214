import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that the token endpoint has received. */
export interface Asked {
  readonly authorization: string;
  readonly body: string;
}

export interface TokenEndpoint {
  readonly url: string;
  readonly asked: Asked[];
  /** Gives the status and body of further answers. */
  answer: () => readonly [status: number, body: unknown];
  close(): Promise<void>;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

const part = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString('base64url');

/** An unsigned token, which a broker accepts that has no keys to check signatures with. */
export function unsignedToken(subject: string, lifeSeconds: number): string {
  const now = Math.floor(Date.now() / 1_000);
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + lifeSeconds })}.`;
}

export async function startTokenEndpoint(answer: TokenEndpoint['answer']): Promise<TokenEndpoint> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    asked.push({ authorization: request.headers.authorization ?? '', body: await bodyOf(request) });
    const [status, body] = endpoint.answer();
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint: TokenEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    asked,
    answer,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return endpoint;
}
