import { PrepaError } from '#libs/domain/errors.ts';

/** What was asked for does not exist: an id never seen, or a path without a route. */
export class NotFoundError extends PrepaError {
  constructor(message: string, hint: string, code = 'not_found') {
    super(code, message, hint);
    this.name = 'NotFoundError';
  }
}

/** The request itself is wrong; `message` names the field. */
export class InvalidRequestError extends PrepaError {
  constructor(code: 'invalid_parameter' | 'unknown_parameter' | 'invalid_body', message: string, hint: string) {
    super(code, message, hint);
    this.name = 'InvalidRequestError';
  }
}

/** The database did not answer within the time that a request has. */
export class DatabaseDeadlineError extends PrepaError {
  constructor(milliseconds: number) {
    super(
      'database_unavailable',
      `the analytics database did not answer within ${milliseconds} ms`,
      'try again; if it stays so, see GET /api/ready and the log',
    );
    this.name = 'DatabaseDeadlineError';
  }
}

/** The request is valid, but not at this moment: another run stands in its way, or the run has already ended. */
export class RunConflictError extends PrepaError {
  /** The run in question. */
  readonly runId: string;

  constructor(code: 'run_active' | 'run_ended', runId: string, message: string, hint: string) {
    super(code, message, hint);
    this.name = 'RunConflictError';
    this.runId = runId;
  }
}

/** A set is already being sent. Only one is at a time, since each occupies a connection and a core for long. */
export class DatasetBusyError extends PrepaError {
  constructor() {
    super(
      'dataset_running',
      'another set is being made and sent at this moment',
      'wait for it and ask again; or write the set with npm run dataset, which waits for nobody',
    );
    this.name = 'DatasetBusyError';
  }
}

/** What is requested is done for only one caller at a time. */
export class BusyError extends PrepaError {
  /** How long to wait before asking again. */
  readonly seconds: number;

  constructor(what: string, seconds: number) {
    super('busy', what, `ask again in ${seconds} s`);
    this.name = 'BusyError';
    this.seconds = seconds;
  }
}
