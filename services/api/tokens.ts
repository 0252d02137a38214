import { createHash, timingSafeEqual } from 'node:crypto';
import { ConfigurationError } from '#libs/domain/errors.ts';

/**
 * What a token may do. `read`: features and their meaning; `run`: asking for runs and cancelling them; `names`: names of
 * people where there are any; `ops`: the state of the service, rows that could not be read, and erasing students.
 */
export const SCOPES = ['read', 'run', 'names', 'ops'] as const;
export type Scope = (typeof SCOPES)[number];

/** What is known about the sender of a request. */
export interface Caller {
  /** The token's name; null where none was given or needed. */
  readonly name: string | null;
  readonly scopes: ReadonlySet<Scope>;
  /** Aborts when the token, or one of its scopes, is taken away; absent without a token. */
  readonly revoked?: AbortSignal;
}

/** Where no token is needed, whoever reaches us may do everything. */
export const ANYBODY: Caller = { name: null, scopes: new Set(SCOPES) };

/** A caller without a token where tokens are set: may learn whether the service is well, and nothing about students. */
export const PROBE: Caller = { name: null, scopes: new Set() };

interface Token extends Caller {
  readonly name: string;
  readonly digest: Buffer;
  readonly revocation: AbortController;
  readonly revoked: AbortSignal;
}

/** The scopes of a token without name and scopes: all that existed when tokens had none. */
const UNNAMED_SCOPES: ReadonlySet<Scope> = new Set(['read', 'run', 'ops']);

/** The tokens of API_TOKENS. */
export class Tokens {
  #tokens: readonly Token[];

  /**
   * @param texts each `name:token:scope|scope`, or a token alone
   * @throws ConfigurationError for a token that no request could send, an unknown scope, or a name or token that occurs twice
   */
  constructor(texts: readonly string[]) {
    this.#tokens = texts.map(readToken);
    const names = this.#tokens.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined)
      throw new ConfigurationError(
        `two tokens of API_TOKENS have the name ${twice}`,
        'give each token a name of its own',
      );
    if (new Set(this.#tokens.map(({ digest }) => digest.toString('hex'))).size < texts.length)
      throw new ConfigurationError('API_TOKENS has one token twice', 'give each name a token of its own');
  }

  get count(): number {
    return this.#tokens.length;
  }

  /** From now on `next` counts: answers to a token that is missing there, or has lost a scope, are cut off. */
  replaceBy(next: Tokens): void {
    next.#tokens = next.#tokens.map((token) => {
      const same = this.#tokens.find((old) => old.digest.equals(token.digest));
      return same !== undefined && mayAll(token, same) ? { ...same, name: token.name, scopes: token.scopes } : token;
    });
    const kept = new Set(next.#tokens.map(({ revoked }) => revoked));
    for (const { revoked, revocation } of this.#tokens) if (!kept.has(revoked)) revocation.abort();
  }

  /**
   * Compares every token, even after a match, so that the time taken reveals nothing.
   * @param digest of the token that was given
   */
  find(digest: Buffer): Caller | undefined {
    let found: Caller | undefined;
    for (const token of this.#tokens) if (timingSafeEqual(token.digest, digest)) found = token;
    return found;
  }
}

export const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

const mayAll = (token: Caller, other: Caller): boolean => [...other.scopes].every((scope) => token.scopes.has(scope));

function newToken(name: string, token: string, scopes: ReadonlySet<Scope>): Token {
  const revocation = new AbortController();
  return { name, digest: digestOf(token), scopes, revocation, revoked: revocation.signal };
}

/** Errors never quote the token: it may be a secret in the wrong form. */
function readToken(text: string, index: number): Token {
  if (!/^[!-~]+$/.test(text)) {
    throw new ConfigurationError(
      'API_TOKENS has a token that no request could send: it holds a space, or a character that is not ASCII',
      'use letters, digits and punctuation, for example what "openssl rand -hex 32" prints',
    );
  }
  if (!text.includes(':')) return newToken(`token ${index + 1}`, text, UNNAMED_SCOPES);
  const [name = '', token = '', scopes = '', ...more] = text.split(':');
  const named = scopes.split('|');
  if (more.length > 0 || name === '' || token === '' || !named.every(isScope)) {
    throw new ConfigurationError(
      `the item ${index + 1} of API_TOKENS has colons, and is not name:token:scope|scope`,
      `write for example dashboard:<token>:read|run; the scopes are ${SCOPES.join(', ')}`,
    );
  }
  return newToken(name, token, new Set(named as Scope[]));
}

const isScope = (text: string): boolean => SCOPES.some((scope) => scope === text);
