/**
 * An error that can be told to a person: what happened and to what (`message`), and what to do (`hint`).
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

/** What anything that was thrown says of itself. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The rows of one key are to blame: others, or the same key with other rows, may do. */
export class KeyFault extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
    this.name = 'KeyFault';
  }

  /** What `work` gives; whatever it throws is the rows' fault. */
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

/** What is asked for cannot be had at this moment: later it can. */
export class NotReadyError extends PrepaError {
  constructor(code: string, message: string, hint: string) {
    super(code, message, hint);
    this.name = 'NotReadyError';
  }
}

/** A schema or data is in a state that a restart cannot fix: exit code 3. */
export class UnrecoverableError extends PrepaError {
  constructor(code: string, message: string, hint: string, options?: { cause?: unknown }) {
    super(code, message, hint, options);
    this.name = 'UnrecoverableError';
  }
}
