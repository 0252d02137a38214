import { ConfigurationError, PrepaError, UnrecoverableError } from '#libs/domain/errors.ts';

/** 0 drained, 2 configuration, 3 a schema or data that a restart cannot mend, 1 anything else. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigurationError) return 2;
  return error instanceof UnrecoverableError ? 3 : 1;
}

/**
 * What a person is told of an error: for our own what happened and what to do, a line each; else what the driver or
 * Node said, with the stack only where the error may be a fault of the program.
 */
export function explain(error: unknown): string {
  if (error instanceof PrepaError) return `${error.message}\n  ${error.hint}`;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return error.stack ?? error.message;
  // A refused connection to a name with several addresses has an empty message; its code says it.
  return error.message === '' ? code : `${error.message} (${code})`;
}

/**
 * Runs a program to its end and exits: with what it answers, else by its error, told on standard error.
 * @param name what stands before the message, e.g. `api`
 */
export async function runProgram(name: string, main: () => Promise<number>): Promise<never> {
  const code = await main().catch((error: unknown) => {
    process.stderr.write(`${name}: ${explain(error)}\n`);
    return exitCodeOf(error);
  });
  process.exit(code);
}
