import type { ErrorAnswer } from '#libs/serve/answers.ts';

const TOKEN = 'prepadata.token';
/** Null also if the browser allows no storage. */
export function tokenOf(): string | null {
  try {
    return sessionStorage.getItem(TOKEN);
  } catch {
    return null;
  }
}
export const keepToken = (token: string): void => sessionStorage.setItem(TOKEN, token);

/** The server answered with an error, whose message this has. */
export class Refusal extends Error {
  readonly status: number;
  readonly hint: string;
  /** The stable error code; empty if the answer was not JSON. */
  readonly code: string;
  /** The answer as received; null if it was not JSON. */
  readonly body: object | null;

  constructor(status: number, body: Partial<ErrorAnswer> | null, otherwise: string) {
    super(body?.error?.message ?? otherwise);
    this.name = 'Refusal';
    this.status = status;
    this.hint = body?.error?.hint ?? '';
    this.code = body?.error?.code ?? '';
    this.body = body;
  }
}

/** No answer: the server or the network is down. */
export class Unreachable extends Error {}

/** Whether the server, or the database behind it, is away or has too much to do: asked again, it may answer. */
export const isAway = (error: Error): boolean =>
  error instanceof Unreachable || (error instanceof Refusal && (error.status === 503 || error.status === 429));

export async function askServer(path: string, init: RequestInit = {}): Promise<Response> {
  const token = tokenOf();
  const headers = { ...init.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
  const response = await fetch(path, { ...init, headers }).catch((error: unknown) => {
    throw new Unreachable(String(error));
  });
  if (response.ok) return response;
  throw await refusalOf(response);
}

async function refusalOf(response: Response): Promise<Refusal> {
  const body = (await response.json().catch(() => null)) as Partial<ErrorAnswer> | null;
  return new Refusal(response.status, body, response.statusText);
}

export const get = async <A>(path: string, init?: RequestInit): Promise<A> =>
  (await (await askServer(path, init)).json()) as A;

/** Milliseconds after which a server that is asked every few seconds counts as away: a network that is gone does not say so. */
const SOON_MS = 10_000;

/** For what says whether all is well: no answer is an answer, too. */
export const askSoon = (path: string): Promise<Response> => askServer(path, { signal: AbortSignal.timeout(SOON_MS) });

/** The pages of a list, each of which links to the next. */
export async function* linkedPages(path: string, init?: RequestInit): AsyncGenerator<Response> {
  for (let next: string | undefined = path; next !== undefined; ) {
    const response = await askServer(next, init);
    yield response;
    next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
  }
}

/** A whole list. */
export async function getAll<R>(path: string): Promise<R[]> {
  const rows: R[] = [];
  for await (const page of linkedPages(path)) rows.push(...((await page.json()) as R[]));
  return rows;
}

export const post = async <A>(path: string, body: object): Promise<A> =>
  (await (
    await askServer(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  ).json()) as A;
