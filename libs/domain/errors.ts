/**
 * An error that can be shown to a person: what happened and to what (`message`), and what to do (`hint`).
 * `code` is stable and machine-readable.
 */
export class PrepaError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'PrepaError';
    this.code = code;
    this.hint = hint;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  // Node's error for a name with several addresses, none of which could be reached, has no message of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}

/** The rows of one key caused the error: other keys, or the same key with other rows, may work. */
export class KeyFault extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
    this.name = 'KeyFault';
  }

  /** Returns the result of `work`, and blames whatever it throws on the rows. */
  static of<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new KeyFault(error);
    }
  }
}

/** The configuration is wrong: exit code 2. */
export class ConfigurationError extends PrepaError {
  constructor(message: string, hint: string, options?: { cause?: unknown }) {
    super('configuration', message, hint, options);
    this.name = 'ConfigurationError';
  }
}

/** What was asked for is not available at the moment, but will be later. */
export class NotReadyError extends PrepaError {
  constructor(code: string, message: string, hint: string) {
    super(code, message, hint);
    this.name = 'NotReadyError';
  }
}

/** A schema or data is in a state that restarting cannot fix: exit code 3. */
export class UnrecoverableError extends PrepaError {
  constructor(code: string, message: string, hint: string, options?: { cause?: unknown }) {
    super(code, message, hint, options);
    this.name = 'UnrecoverableError';
  }
}
