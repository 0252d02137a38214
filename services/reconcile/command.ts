import { parseArgs } from 'node:util';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';

/** What the command line asks for. */
export interface Command {
  readonly help: boolean;
  /** Null: schedule and execute until told to stop. */
  readonly once: OnceArguments | null;
}

/** A body of POST /api/pipeline/trigger, as far as it is given. */
export interface OnceArguments {
  readonly mode?: string;
  readonly from?: string;
  readonly to?: string;
  readonly course_id?: string;
  readonly student_id?: string;
  readonly dry_run: boolean;
}

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  once: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  mode: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  course: { type: 'string' },
  student: { type: 'string' },
} as const;

/** @throws ConfigurationError for an option that does not exist, or that says nothing without --once */
export function readCommand(args: readonly string[]): Command {
  const values = parse(args);
  const { help = false, once = false, mode, from, to, course, student } = values;
  if (help) return { help, once: null };
  if (once) {
    return {
      help,
      once: {
        dry_run: values['dry-run'] ?? false,
        ...(mode === undefined ? {} : { mode }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(course === undefined ? {} : { course_id: course }),
        ...(student === undefined ? {} : { student_id: student }),
      },
    };
  }
  const idle = Object.keys(values).map((name) => `--${name}`);
  if (idle.length > 0) {
    throw new ConfigurationError(
      `${idle.join(', ')} describes one run, and --once is missing`,
      'add --once to run now and leave; without it the role follows PIPELINE_SCHEDULE and the API',
    );
  }
  return { help, once: null };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  } catch (error) {
    throw new ConfigurationError(messageOf(error), '--help lists the options', { cause: error });
  }
}
