import type { ErrorAnswer } from '#libs/serve/answers.ts';

const TOKEN = 'prepadata.token';
/** Null also where the browser keeps nothing for anybody. */
export function tokenOf(): string | null {
  try {
    return sessionStorage.getItem(TOKEN);
  } catch {
    return null;
  }
}
export const keepToken = (token: string): void => sessionStorage.setItem(TOKEN, token);

/** The server answered, and refused: in its own words. */
export class Refusal extends Error {
  readonly status: number;
  readonly hint: string;
  /** Stable; empty where it was no JSON. */
  readonly code: string;
  /** As it came; null where it was no JSON. */
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

/** Nobody answered: the server is away, or the network. */
export class Unreachable extends Error {}

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

/** A list to its end: its pages say where the next one is. */
export async function getAll<R>(path: string): Promise<R[]> {
  const rows: R[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const response = await askServer(next);
    rows.push(...((await response.json()) as R[]));
    next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
  }
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
