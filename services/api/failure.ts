import { NotReadyError, PrepaError } from '#libs/domain/errors.ts';
import { isDatabaseFault } from '#libs/platform/postgres/database.ts';
import type { ErrorAnswer } from '#libs/serve/answers.ts';
import { StudentExcludedError } from '#libs/serve/erase.ts';
import {
  BusyError,
  DatabaseDeadlineError,
  DatasetBusyError,
  InvalidRequestError,
  NotFoundError,
  RunConflictError,
} from '#libs/serve/errors.ts';
import {
  ForbiddenHostError,
  ForbiddenOriginError,
  MissingScopeError,
  TokenNeededError,
  TooManyAttemptsError,
  UnauthorizedError,
  UnsupportedTypeError,
} from './access.ts';
import { BodyTooLargeError } from './body.ts';
import { NotAcceptableError } from './csv-answer.ts';

/** The path exists, but not with this method. */
export class MethodNotAllowedError extends PrepaError {
  readonly allowed: readonly string[];

  constructor(method: string, path: string, allowed: readonly string[]) {
    super('method_not_allowed', `${path} does not take ${method}`, `ask with ${allowed.join(' or ')}`);
    this.name = 'MethodNotAllowedError';
    this.allowed = allowed;
  }
}

/** An error as the caller sees it. */
export interface ApiFailure {
  readonly status: number;
  readonly body: ErrorAnswer;
  readonly headers: Readonly<Record<string, string>>;
  /** `error`: ours to fix; `warn`: something we depend on is away; `info`: somebody was not let in; `debug`: a wrong request. */
  readonly level: 'debug' | 'info' | 'warn' | 'error';
}

const FORBIDDEN = [ForbiddenHostError, ForbiddenOriginError, MissingScopeError, TokenNeededError];

/**
 * Turns anything thrown into an answer; nothing else does.
 * @param requestId named in the answer where the log has more than the caller may know
 */
export function toFailure(error: unknown, requestId: string): ApiFailure {
  if (error instanceof InvalidRequestError) return refusal(400, error);
  if (error instanceof UnauthorizedError) {
    return { ...refusal(401, error, { 'www-authenticate': 'Bearer realm="prepadata"' }), level: 'info' };
  }
  if (FORBIDDEN.some((kind) => error instanceof kind)) return { ...refusal(403, error as PrepaError), level: 'info' };
  if (error instanceof TooManyAttemptsError) {
    return { ...refusal(429, error, { 'retry-after': String(error.seconds) }), level: 'info' };
  }
  if (error instanceof NotFoundError) return refusal(404, error);
  if (error instanceof MethodNotAllowedError) return refusal(405, error, { allow: error.allowed.join(', ') });
  if (error instanceof NotAcceptableError) return refusal(406, error);
  if (error instanceof RunConflictError) return conflict(error);
  if (error instanceof StudentExcludedError || error instanceof DatasetBusyError) return refusal(409, error);
  if (error instanceof BodyTooLargeError) return refusal(413, error);
  if (error instanceof UnsupportedTypeError) return refusal(415, error);
  if (error instanceof BusyError) return refusal(503, error, { 'retry-after': String(error.seconds) });
  if (error instanceof DatabaseDeadlineError || error instanceof NotReadyError)
    return { ...refusal(503, error), level: 'warn' };
  // A refused login is for the operator, who sees it in the log and GET /api/ready.
  if (isDatabaseFault(error)) return databaseAway();
  // Its message is meant for people, but no route expects it: the cause is ours to look at.
  if (error instanceof PrepaError) return { ...refusal(500, error), level: 'error' };
  return internal(requestId);
}

function refusal(status: number, error: PrepaError, headers: ApiFailure['headers'] = {}): ApiFailure {
  const { code, message, hint } = error;
  return { status, headers, level: 'debug', body: { error: { code, message, hint } } };
}

function conflict(error: RunConflictError): ApiFailure {
  const { code, message, hint, runId } = error;
  return { status: 409, headers: {}, level: 'debug', body: { error: { code, message, hint, run_id: runId } } };
}

const databaseAway = (): ApiFailure => ({
  status: 503,
  headers: {},
  level: 'warn',
  body: {
    error: {
      code: 'database_unavailable',
      message: 'the analytics database does not answer',
      hint: 'try again in a moment; if it stays so, see GET /api/ready and the log',
    },
  },
});

const internal = (requestId: string): ApiFailure => ({
  status: 500,
  headers: {},
  level: 'error',
  body: {
    error: {
      code: 'internal',
      message: `something went wrong inside; the request is ${requestId}`,
      hint: `look for "${requestId}" in the log of this service, and report what it says`,
    },
  },
});
