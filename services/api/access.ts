import { BlockList, isIP, isIPv6 } from 'node:net';
import { ConfigurationError, PrepaError } from '#libs/domain/errors.ts';
import type { Attempts } from './attempts.ts';
import { ANYBODY, type Caller, digestOf, PROBE, type Scope, type Tokens } from './tokens.ts';

/** `API_AUTH`: `none` says that a proxy in front of us asks for a token. */
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

/** The Host header is not one of our names: another site may have pointed its own name at us (DNS rebinding). */
export class ForbiddenHostError extends PrepaError {
  constructor() {
    super(
      'forbidden_host',
      'the Host header of this request is no name of this service',
      'ask under localhost or the address of this machine, or add the name to API_ALLOWED_HOSTS',
    );
    this.name = 'ForbiddenHostError';
  }
}

/** A page of another site asks, through the browser of somebody who may. */
export class ForbiddenOriginError extends PrepaError {
  constructor() {
    super(
      'forbidden_origin',
      'the Origin header of this request names another site',
      'ask from a page of this service; what another page needs it asks its own server for',
    );
    this.name = 'ForbiddenOriginError';
  }
}

/** The token is known but lacks the scope. */
export class MissingScopeError extends PrepaError {
  constructor(name: string, scopes: readonly Scope[]) {
    super(
      'missing_scope',
      `the token "${name}" is not for this route, which asks for the scope ${scopes.join(' or ')}`,
      'ask with a token that has it, or add the scope to that token in API_TOKENS',
    );
    this.name = 'MissingScopeError';
  }
}

/** What cannot be undone needs a token, even where nothing else does. */
export class TokenNeededError extends PrepaError {
  constructor(scope: Scope) {
    super(
      'token_needed',
      `this route does what cannot be undone, and asks for a token with the scope ${scope}; this service has no tokens`,
      `set API_TOKENS=<name>:<token>:${scope}, with the scopes that others need, and ask with it`,
    );
    this.name = 'TokenNeededError';
  }
}

/** Too many wrong tokens came from the address. */
export class TooManyAttemptsError extends PrepaError {
  readonly seconds: number;

  constructor(seconds: number) {
    super(
      'too_many_attempts',
      'too many wrong tokens came from this address; those that were right before are let in still',
      `try again in ${seconds} seconds, with one of API_TOKENS`,
    );
    this.name = 'TooManyAttemptsError';
    this.seconds = seconds;
  }
}

/** The body is not declared as JSON: a form on any page could send it. */
export class UnsupportedTypeError extends PrepaError {
  constructor() {
    super(
      'unsupported_media_type',
      'the body of this request does not say that it is JSON',
      'send the header "Content-Type: application/json", or no body',
    );
    this.name = 'UnsupportedTypeError';
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
 * @throws ConfigurationError when other machines could without a token, and `API_AUTH=none` does not say so
 */
export function accessRule(host: string, tokens: Tokens, auth: AuthMode): AccessRule {
  if (tokens.count > 0) return 'token';
  if (auth === 'none') return 'anyone';
  if (isLoopback(host)) return 'loopback';
  throw new ConfigurationError(
    `API_HOST=${host} would serve personal data to other machines without asking for a token`,
    'set API_TOKENS, or leave API_HOST at 127.0.0.1; behind a proxy that asks for a token itself, say API_AUTH=none',
  );
}

/** The parts of a request that decide whether it is let in. */
export interface Credentials {
  readonly method: string;
  readonly authorization: string | undefined;
  readonly host: string | undefined;
  /** Sent by browsers: the site whose page asks. */
  readonly origin: string | undefined;
  /** The connection's remote address. */
  readonly address: string;
  /** Whether it may be asked without a token, as probes do. A valid one may still be sent. */
  readonly isOpen: boolean;
}

/** Returns the caller; throws one of the errors above for a request that is not let in. */
export type Gate = (request: Credentials) => Caller;

export interface GateOptions {
  readonly rule: AccessRule;
  readonly host: string;
  /** Further names that the service is known by; `*`: any. */
  readonly allowedHosts: readonly string[];
  /** Called for each request, since tokens may be read again. */
  readonly tokens: () => Tokens;
  readonly attempts: Attempts;
  readonly now: () => number;
}

export function openGate({ rule, host: ownHost, allowedHosts, tokens, attempts, now }: GateOptions): Gate {
  const names = new Set([ownHost, ...allowedHosts].map((name) => name.toLowerCase()));
  const isAllowed = (name: string): boolean => names.has('*') || names.has(name) || isLoopback(name);
  // An IP address cannot be pointed at another machine, so no foreign page can have it as its name.
  const isOurs = (name: string): boolean => isAllowed(name) || (rule !== 'loopback' && isIP(name) !== 0);
  return ({ method, authorization, host, origin, address, isOpen }) => {
    const asked = host === undefined ? undefined : hostName(host);
    if (asked === undefined || !isOurs(asked)) throw new ForbiddenHostError();
    if (origin !== undefined && (rule === 'loopback' || method !== 'GET')) {
      const from = originName(origin);
      if (from !== asked && !isAllowed(from)) throw new ForbiddenOriginError();
    }
    if (rule !== 'token') return ANYBODY;
    if (isOpen && authorization === undefined) return PROBE;
    const given = bearerOf(authorization);
    const digest = digestOf(given);
    const key = digest.toString('hex');
    const seconds = attempts.secondsToWait(address, key, now());
    if (seconds > 0) throw new TooManyAttemptsError(seconds);
    const caller = tokens().find(digest);
    if (caller === undefined) {
      attempts.failed(address, now());
      throw new UnauthorizedError('the token is not one of API_TOKENS');
    }
    attempts.succeeded(address, key, now());
    return caller;
  };
}

function bearerOf(authorization: string | undefined): string {
  if (authorization === undefined) throw new UnauthorizedError('this API asks for a token, and there is none');
  const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (given === undefined) throw new UnauthorizedError('the Authorization header is not a bearer token');
  return given;
}

/** @throws MissingScopeError unless the caller has one of the scopes */
export function requireScope({ name, scopes }: Caller, wanted: readonly Scope[]): void {
  if (!wanted.some((scope) => scopes.has(scope))) throw new MissingScopeError(name ?? '', wanted);
}

/** The name in a Host header, without its port or the brackets of an IPv6 address. */
const hostName = (header: string): string =>
  (/^\[([^\]]*)\](?::\d+)?$/.exec(header)?.[1] ?? header.replace(/:\d+$/, '')).toLowerCase();

/** The name in an Origin header; the header itself where it holds no name, as with `null`. */
const originName = (header: string): string => (URL.canParse(header) ? hostName(new URL(header).host) : header);
