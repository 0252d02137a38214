import type { IncomingMessage, ServerResponse } from 'node:http';

/* What may answer, or fail to, where a service is expected. */

export type Answering = (request: IncomingMessage, response: ServerResponse) => void;

export interface NotAService {
  readonly name: string;
  readonly answers: Answering;
  /** What the error says about it. */
  readonly said: RegExp;
  /** How long to wait for it: short only where no answer ever comes. */
  readonly timeoutMs?: number;
}

/** For those that answer, however busy the machine is. */
export const PATIENT_MS = 30_000;
const SHORT_MS = 500;

const page =
  (status: number, headers: Record<string, string> = {}): Answering =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'text/html', ...headers }).end('<html>\n <h1>Please log in</h1>');
  };

const SILENT = /has not answered within 0\.5 s/;

const MEGABYTE = Buffer.alloc(1024 * 1024, ' ');

/** @param response gets megabytes for as long as they are read */
function flood(response: ServerResponse): void {
  while (!response.destroyed && response.write(MEGABYTE));
  if (!response.destroyed) response.once('drain', () => flood(response));
}

/** A character now and then: each follows soon after the last, and there is no end. */
function drip(response: ServerResponse): void {
  const dripping = setInterval(() => response.write(' '), 100);
  response.once('close', () => clearInterval(dripping));
}

export const NOT_A_SERVICE: readonly NotAService[] = [
  { name: 'never says a word', answers: () => {}, said: SILENT, timeoutMs: SHORT_MS },
  {
    name: 'begins and does not go on',
    answers: (_, response) => void response.write('{'),
    said: SILENT,
    timeoutMs: SHORT_MS,
  },
  {
    name: 'takes his time with each letter',
    answers: (_, response) => drip(response),
    said: SILENT,
    timeoutMs: SHORT_MS,
  },
  { name: 'talks without end', answers: (_, response) => flood(response), said: /answers with more than 16 MB/ },
  {
    name: 'hangs up',
    answers: ({ socket }) => socket.destroy(),
    said: /does not answer: other side closed/,
  },
  {
    name: 'hangs up in the middle',
    answers: ({ socket }, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{');
      setTimeout(() => socket.destroy(), 50);
    },
    said: /does not answer: (terminated|other side closed)/,
  },
  {
    name: 'is a proxy whose service is away',
    answers: page(502),
    said: /answers HTTP 502 with something else than JSON \(text\/html: <html> <h1>Please log in<\/h1>\)/,
  },
  { name: 'shows a page', answers: page(200), said: /answers HTTP 200 with something else than JSON/ },
  { name: 'knows no such page', answers: page(404), said: /answers HTTP 404 with something else than JSON/ },
  {
    name: 'sends on to a login page',
    answers: page(302, { location: 'https://login.example/?for=us' }),
    said: /sends on to https:\/\/login\.example\/\?for=us \(HTTP 302\)/,
  },
];
