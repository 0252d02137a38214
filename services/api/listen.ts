import type { RequestListener, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { refuseUnread } from './unread.ts';

/** An HTTP server that is listening. */
export interface HttpListener {
  readonly url: string;
  readonly port: number;
  /**
   * Accepts no more connections, lets running requests end, and cuts off those that run past the deadline.
   * @returns how many requests were cut off
   */
  close(deadlineMs: number): Promise<number>;
}

/** How long receiving a whole request, or its headers, may take. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** How often Node checks these two timeouts. */
const LOOK_EVERY_MS = 1_000;
/** Proxies keep idle connections for a minute; ours stay open longer, so that we never close one as a request arrives. */
const KEEP_ALIVE_MS = 65_000;

/** @throws ConfigurationError when the address cannot be bound, naming the setting to change */
export async function listenForRequests(host: string, port: number, handle: RequestListener): Promise<HttpListener> {
  let running = 0;
  /** Answers in progress, by connection. */
  const answers = new WeakMap<Duplex, ServerResponse>();
  const server = createServer({ connectionsCheckingInterval: LOOK_EVERY_MS }, (request, response) => {
    running += 1;
    answers.set(request.socket, response);
    response.once('close', () => {
      running -= 1;
      answers.delete(request.socket);
      // An answer that ended after the server closed leaves its connection idle, waiting for a next request.
      if (!server.listening) server.closeIdleConnections();
    });
    handle(request, response);
  });
  // An unknown Expect header is no reason to refuse.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('clientError', (error, socket) => refuseUnread(error, socket, answers.get(socket)?.headersSent ?? false));
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await bind(server, host, port);
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${nameOf(host)}:${bound}`,
    port: bound,
    close: async (deadlineMs) => {
      let cut = 0;
      const deadline = setTimeout(() => {
        cut = running;
        server.closeAllConnections();
      }, deadlineMs);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      clearTimeout(deadline);
      return cut;
    },
  };
}

/** The host name by which a browser on this machine reaches it. */
function nameOf(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === '') return 'localhost';
  return isIPv6(host) ? `[${host}]` : host;
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => reject(explain(error, host, port));
    server.once('error', refused);
    server.listen({ host, port }, () => {
      server.off('error', refused);
      resolve();
    });
  });
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const cause = { cause: error };
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConfigurationError(
        `the API cannot listen on ${host}:${port}: the port ${port} is in use`,
        'stop the program that has it, or set API_PORT to another port (0 takes a free one)',
        cause,
      );
    case 'EACCES':
      return new ConfigurationError(
        `the API cannot listen on ${host}:${port}: this user may not use the port ${port}`,
        'set API_PORT to a port from 1024 on',
        cause,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ConfigurationError(
        `the API cannot listen on ${host}: it is not an address of this machine (${error.code})`,
        'set API_HOST to 127.0.0.1, or to an address that this machine has',
        cause,
      );
    default:
      return error;
  }
}
