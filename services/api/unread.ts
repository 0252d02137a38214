import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorAnswer } from '#libs/serve/answers.ts';

interface Refusal {
  readonly status: 400 | 408 | 431;
  readonly error: ErrorAnswer['error'];
}

/** Why Node could not read a request, by the code of its error. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    error: {
      code: 'headers_too_large',
      message: 'the address and the headers of the request are longer than 16 KB together',
      hint: 'send fewer cookies and headers; no parameter of this API is longer than 2,000 characters',
    },
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    error: {
      code: 'request_timeout',
      message: 'the request did not come to its end in time',
      hint: 'send the headers within 10 s and all of the request within 30 s',
    },
  },
};

const MALFORMED: Refusal = {
  status: 400,
  error: {
    code: 'malformed_request',
    message: 'this is no request of HTTP/1.1',
    hint: 'this port speaks plain HTTP; for https:// put a proxy that does before it',
  },
};

/**
 * Answers a request that Node could not parse, in the usual shape of errors, and closes the connection.
 * @param isAnswering the head of another answer has been sent, and the client would take this for a part of that
 */
export function refuseUnread(error: NodeJS.ErrnoException, socket: Duplex, isAnswering: boolean): void {
  if (!socket.writable || error.code === 'ECONNRESET' || isAnswering) {
    socket.destroy();
    return;
  }
  const { status, error: said } = REFUSALS[error.code ?? ''] ?? MALFORMED;
  const body = JSON.stringify({ error: said } satisfies ErrorAnswer);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${randomUUID()}`,
    'cache-control: no-store',
    'x-content-type-options: nosniff',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
