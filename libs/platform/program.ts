import { type ParseArgsConfig, parseArgs } from 'node:util';
import { ConfigurationError, messageOf, PrepaError, UnrecoverableError } from '#libs/domain/errors.ts';
import { forTerminal } from '#libs/domain/text.ts';

/** 0 drained, 2 configuration, 3 a schema or data that a restart cannot fix, 1 anything else. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigurationError) return 2;
  return error instanceof UnrecoverableError ? 3 : 1;
}

/**
 * An error as it is told to people: for our own errors what happened and what to do, a line each; otherwise the message of
 * the driver or Node, with the stack only if the program may be at fault.
 */
export const explain = (error: unknown): string => forTerminal(wordsOf(error));

function wordsOf(error: unknown): string {
  if (error instanceof PrepaError) return `${error.message}\n  ${error.hint}`;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return error.stack ?? error.message;
  const said = messageOf(error);
  return said === '' ? code : `${said} (${code})`;
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** A program's name, and the arguments it understands. */
export interface ProgramDefinition<O extends Options> {
  /** The script of `npm run` that starts it; also the prefix of its error messages. */
  readonly name: string;
  /** What a person types, if that is not `npm run <name>`. */
  readonly call?: string;
  /** What `--help` prints. */
  readonly usage: string;
  /** Those of `parseArgs`, besides `--help`; none by default. */
  readonly options?: O;
  /** Whether words without dashes are accepted; not by default. */
  readonly allowPositionals?: boolean;
}

/** What was typed: the options' values, and the words without dashes. */
export interface Typed<O extends Options> {
  readonly values: ReturnType<typeof parseArgs<{ options: O }>>['values'];
  readonly words: readonly string[];
}

const HELP = { help: { type: 'boolean', short: 'h' } } as const;

/**
 * Runs a program to its end and exits: with the code it returns, or that of its error, which is printed on standard error.
 * `--help` prints its usage; arguments it does not understand end it with exit code 2.
 */
export async function runProgram<O extends Options = Record<never, never>>(
  program: ProgramDefinition<O>,
  main: (typed: Typed<O>) => Promise<number>,
): Promise<never> {
  forgetDriverSettings();
  // The reader of the output may be gone (npm start | head), or have no room for it. That is no reason to stop.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});
  const run = async (): Promise<number> => {
    const typed = readArguments(program, process.argv.slice(2));
    if (typed !== null) return main(typed);
    await new Promise<void>((resolve) => process.stdout.write(program.usage, () => resolve()));
    return 0;
  };
  const code = await run().catch((error: unknown) => {
    process.stderr.write(`${program.name}: ${explain(error)}\n`);
    return exitCodeOf(error);
  });
  process.exit(code);
}

/**
 * Where it is told nothing else, the driver uses variables meant for psql and the like (PGSSLMODE, PGOPTIONS …): connections
 * would differ from what our own settings say.
 */
function forgetDriverSettings(): void {
  for (const name of Object.keys(process.env)) if (/^PG[A-Z]/.test(name)) delete process.env[name];
}

/**
 * @returns null if help was requested
 * @throws ConfigurationError naming what is not understood
 */
export function readArguments<O extends Options>(
  { name, call = `npm run ${name}`, options, allowPositionals = false }: ProgramDefinition<O>,
  args: readonly string[],
): Typed<O> | null {
  try {
    const all = { ...options, ...HELP };
    const { values, positionals } = parseArgs({ args: [...args], options: all, allowPositionals });
    if ('help' in values) return null;
    return { values: values as Typed<O>['values'], words: positionals };
  } catch (cause) {
    const dashes = call.startsWith('npm ') ? ' --' : '';
    throw new ConfigurationError(messageOf(cause), `${call}${dashes} --help shows what is possible`, { cause });
  }
}
