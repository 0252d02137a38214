import { ConfigurationError } from '#libs/domain/errors.ts';
import type { Typed } from '#libs/platform/program.ts';

/** The given fields of a body for POST /api/pipeline/trigger. */
export interface OnceArguments {
  readonly mode?: string;
  readonly from?: string;
  readonly to?: string;
  readonly course_id?: string;
  readonly student_id?: string;
  readonly dry_run: boolean;
}

export const OPTIONS = {
  once: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  mode: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  course: { type: 'string' },
  student: { type: 'string' },
} as const;

/**
 * The single run asked for with --once; null: schedule and execute until told to stop.
 * @throws ConfigurationError for an option that has no meaning without --once
 */
export function onceOf(values: Typed<typeof OPTIONS>['values']): OnceArguments | null {
  const { once = false, mode, from, to, course, student } = values;
  if (once) {
    return {
      dry_run: values['dry-run'] ?? false,
      ...(mode === undefined ? {} : { mode }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(course === undefined ? {} : { course_id: course }),
      ...(student === undefined ? {} : { student_id: student }),
    };
  }
  const idle = Object.keys(values).map((name) => `--${name}`);
  if (idle.length > 0) {
    throw new ConfigurationError(
      `${idle.join(', ')} describes one run, and --once is missing`,
      'add --once to run now and leave; without it the role follows PIPELINE_SCHEDULE and the API',
    );
  }
  return null;
}
