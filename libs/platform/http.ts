import { Agent, fetch, Headers, type Response } from 'undici';
import { messageOf } from '#libs/domain/errors.ts';
import { isNotTrusted } from './certificates.ts';

/** Where a service is, and how to talk to it. */
export interface ServiceAddress {
  /** May contain user and password, which are sent as a header. */
  readonly url: string;
  /** `user:password`, in place of those in the URL. */
  readonly login?: string;
  /** PEM certificates to trust instead of those that Node knows. */
  readonly ca?: string;
}

/** @param login empty: none, or the one in the URL */
export const serviceAddress = (url: string, login: string, ca: string | undefined): ServiceAddress => ({
  url,
  ...(login === '' ? {} : { login }),
  ...(ca === undefined ? {} : { ca }),
});

/** A request to a service over HTTP. */
export interface Question extends ServiceAddress {
  readonly method?: string;
  readonly body?: string;
  readonly contentType: string;
  /** For the whole exchange, up to the end of the answer, milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /**
   * Why this cannot be the answer of a service that speaks JSON, as the end of a sentence: a proxy, a login page or another
   * service has answered instead. Undefined if it may be one.
   */
  readonly problem: string | undefined;
}

/** There was no complete answer; the message says why, as the end of a sentence that begins with the service. */
export class NoAnswer extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NoAnswer';
  }
}

/** No answer that we ask for is as large. */
const MOST_BYTES = 16 * 1024 * 1024;
const SHOWN_CHARACTERS = 60;

/** An address that may be shown: without its login. */
export const shown = (url: string): string => url.replace(/^(https?:\/\/)[^/@]*@/i, '$1');

/**
 * Asks once. Whatever answers, it never takes longer than the deadline or reads more than the limit, and it follows no
 * redirects, which usually lead to a login page.
 * @throws NoAnswer; the signal's reason when it aborts
 */
export async function ask(question: Question): Promise<Answer> {
  const { url, method = 'GET', body, contentType, timeoutMs, signal, ca } = question;
  const address = new URL(url);
  const headers = new Headers({ accept: 'application/json', 'content-type': contentType });
  const login = question.login ?? loginIn(address);
  if (login !== undefined) headers.set('authorization', `Basic ${Buffer.from(login).toString('base64')}`);
  address.username = '';
  address.password = '';
  const agent = ca === undefined ? undefined : new Agent({ connect: { ca } });
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(address, {
      method,
      headers,
      redirect: 'manual',
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      ...(body === undefined ? {} : { body }),
      ...(agent === undefined ? {} : { dispatcher: agent }),
    });
    const text = await readAll(response);
    return { status: response.status, text, problem: foreignAnswer(response, text) };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof NoAnswer) throw error;
    if (deadline.aborted) throw new NoAnswer(`has not answered within ${timeoutMs / 1_000} s`, { cause: error });
    throw new NoAnswer(reasonOf(error), { cause: error });
  } finally {
    await agent?.close().catch(() => {});
  }
}

function loginIn({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
}

async function readAll(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength;
    // Leaving the loop closes the connection.
    if (bytes > MOST_BYTES) throw new NoAnswer(`answers with more than ${MOST_BYTES / 1024 ** 2} MB`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function foreignAnswer({ status, headers }: Response, text: string): string | undefined {
  const to = headers.get('location');
  if (status >= 300 && status < 400) return `sends on to ${shown(to ?? 'nowhere')} (HTTP ${status})`;
  if (text === '' && status < 300) return undefined;
  try {
    if (typeof JSON.parse(text) === 'object') return undefined;
  } catch {
    // Reported below.
  }
  const begin = text.replaceAll(/\s+/g, ' ').trim().slice(0, SHOWN_CHARACTERS);
  const kind = headers.get('content-type')?.split(';')[0] ?? 'no content type';
  return `answers HTTP ${status} with something else than JSON (${kind}${begin === '' ? ', empty' : `: ${begin}`})`;
}

/** Looks at the cause: the library hides what happened to the connection behind "fetch failed". */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code } = cause as { code?: unknown };
  const said = messageOf(cause) || String(code);
  if (code === 'CERT_HAS_EXPIRED') return `shows a certificate that has expired: ${said}`;
  if (isNotTrusted(code)) return `shows a certificate that is not trusted (…_SSL_CA_LOCATION): ${said}`;
  return `does not answer: ${said}`;
}
