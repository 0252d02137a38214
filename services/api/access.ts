import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { ConfigurationError, PrepaError } from '#libs/domain/errors.ts';

/** `API_AUTH`: `none` says that somebody else, in front of us, asks for a token. */
export type AuthMode = 'token' | 'none';

/** Who may ask: those with a token, those on this machine by its own name, or anyone. */
export type AccessRule = 'token' | 'loopback' | 'anyone';

/** No token, or a wrong one. */
export class UnauthorizedError extends PrepaError {
  constructor(message: string) {
    super('unauthorized', message, 'send the header "Authorization: Bearer <token>" with one of API_TOKENS');
    this.name = 'UnauthorizedError';
  }
}

/** The Host header names another machine than the one we serve. */
export class ForbiddenHostError extends PrepaError {
  constructor() {
    super(
      'forbidden_host',
      'without API_TOKENS only this machine is served, under the names localhost, 127.0.0.1 and [::1]; the Host header of this request is another one',
      'ask http://localhost; to serve other names set API_TOKENS, or API_AUTH=none behind a proxy that asks for one',
    );
    this.name = 'ForbiddenHostError';
  }
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** True for a name or address (without port or brackets) that only this machine can reach. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  return isIP(host) !== 0 && loopback.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}

/**
 * Decides who may ask.
 * @throws ConfigurationError when everybody could, without anybody having said so, or with a token nobody could
 */
export function accessRule(host: string, tokens: readonly string[], auth: AuthMode): AccessRule {
  if (tokens.some((token) => !/^[!-~]+$/.test(token))) {
    throw new ConfigurationError(
      'API_TOKENS has a token that no request could send: it holds a space, or a character that is not ASCII',
      'use letters, digits and punctuation, for example what "openssl rand -hex 32" prints',
    );
  }
  if (tokens.length > 0) return 'token';
  if (auth === 'none') return 'anyone';
  if (isLoopback(host)) return 'loopback';
  throw new ConfigurationError(
    `API_HOST=${host} would serve personal data to other machines without asking for a token`,
    'set API_TOKENS, or leave API_HOST at 127.0.0.1; behind a proxy that asks for a token itself, say API_AUTH=none',
  );
}

/** A page of another site asks, with the hands of somebody who may. */
export class ForbiddenOriginError extends PrepaError {
  constructor() {
    super(
      'forbidden_origin',
      'without API_TOKENS only pages of this machine may ask; the Origin header of this request names another site',
      'ask from http://localhost, or set API_TOKENS and send one of them',
    );
    this.name = 'ForbiddenOriginError';
  }
}

/** What of a request decides whether it is let in. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly host: string | undefined;
  /** Sent by browsers: the site whose page asks. */
  readonly origin: string | undefined;
  /** Whether the process is alive may be asked without a token: those who ask that have none. */
  readonly isHealth: boolean;
}

/** Throws UnauthorizedError, ForbiddenHostError or ForbiddenOriginError for a request that is not let in. */
export type Gate = (request: Credentials) => void;

/** The gate for one rule. */
export function openGate(rule: AccessRule, tokens: readonly string[]): Gate {
  if (rule === 'anyone') return () => {};
  if (rule === 'loopback') {
    return ({ host, origin }) => {
      // A page of another site whose name was rebound to 127.0.0.1 still sends that name.
      if (host === undefined || !isLoopback(hostName(host))) throw new ForbiddenHostError();
      // And a page that is not rebound may send what it cannot read the answer of: that is enough to start a run.
      if (origin !== undefined && !isLoopback(originName(origin))) throw new ForbiddenOriginError();
    };
  }
  const digests = tokens.map(digest);
  return ({ authorization, isHealth }) => {
    if (isHealth) return;
    if (authorization === undefined) throw new UnauthorizedError('this API asks for a token, and there is none');
    const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    if (given === undefined) throw new UnauthorizedError('the Authorization header is not a bearer token');
    if (!matches(digests, digest(given))) throw new UnauthorizedError('the token is not one of API_TOKENS');
  };
}

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Every token is compared, whichever fits, so that the time taken tells nothing. */
const matches = (digests: readonly Buffer[], given: Buffer): boolean =>
  digests.reduce((found, known) => timingSafeEqual(known, given) || found, false);

/** The name in a Host header, without its port; brackets of an IPv6 address off. */
const hostName = (header: string): string => /^\[([^\]]*)\](?::\d+)?$/.exec(header)?.[1] ?? header.replace(/:\d+$/, '');

/** The name in an Origin header; the text itself where there is none, as in `null`. */
const originName = (header: string): string => (URL.canParse(header) ? hostName(new URL(header).host) : header);
