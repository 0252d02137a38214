import path from 'node:path';
import { type Clock, systemClock } from '#libs/domain/clock.ts';
import { ConfigurationError } from '#libs/domain/errors.ts';
import type { Typed } from '#libs/platform/program.ts';
import { dateText, localMillis } from '../local-time.ts';
import { parsePresentationDay } from './presentation.ts';

const USAGE = `Loads one presentation of the Open University Learning Analytics Dataset into the source database.

  npm run load:oulad -- --dir <folder> --presentation AAA-2013J --shift-to today

  --dir <folder>         the data set's CSV files, plain or gzip-compressed
  --presentation <name>  module and presentation, such as AAA-2013J
  --shift-to <day>       the day on which its last click or submission shall fall:
                         today, YYYY-MM-DD, or none (default) for the published dates
  --again                delete the rows of an earlier load of this presentation first
  --help                 show this

The database is SOURCE_DB_HOST, _PORT, _NAME, _USER and _PASSWORD if SOURCE_DB_HOST is set, else the one that a running
"npm start" names in the file running.json of DATA_DIR (default .prepadata).
`;

const HINT = 'npm run load:oulad -- --help shows what is possible';

export interface Arguments {
  readonly directory: string;
  readonly presentation: string;
  /** `none` or `YYYY-MM-DD`. */
  readonly shiftTo: string;
  readonly again: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

export const LOAD_OULAD = {
  name: 'load:oulad',
  usage: USAGE,
  options: {
    dir: { type: 'string' },
    presentation: { type: 'string' },
    'shift-to': { type: 'string' },
    again: { type: 'boolean' },
  },
} as const;

/** @throws ConfigurationError naming what is missing or not a day */
export function argumentsOf(
  values: Typed<typeof LOAD_OULAD.options>['values'],
  env: Environment,
  clock: Clock = systemClock,
): Arguments {
  const directory = required(values.dir, '--dir', 'the folder of the data set');
  const presentation = required(values.presentation, '--presentation', 'a name such as AAA-2013J');
  const shift = values['shift-to'] ?? 'none';
  const shiftTo = shift === 'today' ? dateText(localMillis(clock.now(), env.SOURCE_TIMEZONE || 'UTC')) : shift;
  if (shiftTo !== 'none') parsePresentationDay(shiftTo);
  return { directory: path.resolve(directory), presentation, shiftTo, again: values.again === true };
}

function required(value: string | undefined, option: string, what: string): string {
  if (value === undefined || value === '') throw new ConfigurationError(`${option} is missing: ${what}`, HINT);
  return value;
}
