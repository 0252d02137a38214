import { z } from 'zod';
import { MAX_INTEGER } from './answers.ts';
import { InvalidRequestError } from './errors.ts';

/** Parameters as they stand in a URL; a list when one is given more than once. */
export type RawParameters = Readonly<Record<string, string | readonly string[] | undefined>>;

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const ENTITY_ID = new RegExp(`^(\\d{1,20}|${UUID})$`, 'i');

const ENTITY = 'an integer or a UUID is expected';

/** The same for the description of the API, which people read and clients are generated from. */
const DESCRIBED = {
  anyOf: [
    { type: 'integer', minimum: 1, maximum: MAX_INTEGER },
    { type: 'string', format: 'uuid' },
  ],
};

/** Names a student or a course: our integer, or the source's UUID in either case. */
export const entityId = z.string({ error: ENTITY }).regex(ENTITY_ID, ENTITY).meta({ instead: DESCRIBED });

export const studentId = entityId.meta({ description: 'The student: our integer, or the UUID of the source' });
export const courseId = entityId.meta({ description: 'The course: our integer, or the UUID of the source' });

/** Narrows an answer about all courses. */
export const onlyCourse = entityId
  .optional()
  .meta({ description: 'Only this course: our integer, or the UUID of the source' });

/** A whole number in a URL. */
export const wholeNumber = (least: number, most: number) => {
  const error = `a whole number from ${least} to ${most} is expected`;
  return z
    .string({ error })
    .regex(/^\d{1,10}$/, error)
    .transform(Number)
    .pipe(z.int().min(least, error).max(most, error));
};

const DAY = 'a day, YYYY-MM-DD, is expected';

/** A day in a URL; Postgres has no year 0. */
export const calendarDay = z.iso.date({ error: DAY }).refine((text) => text >= '0001', DAY);

/** The two parameters of a paged list. */
export const pagingBy = (defaultLimit: number, maxLimit: number) => ({
  limit: wholeNumber(1, maxLimit)
    .default(defaultLimit)
    .meta({ description: `Most rows in one answer, 1 to ${maxLimit}` }),
  cursor: z
    .string({ error: 'one cursor is expected' })
    .max(2000, 'a cursor is shorter')
    .optional()
    .meta({ description: 'Where the page before ended, as its Link header has it' }),
});

/** The same, with the limits of most lists. */
export const pageParameters = pagingBy(100, 1000);

/** For lists that are sent while they are read: a client that follows no Link header gets as much as one answer may hold. */
export const longPaging = pagingBy(50_000, 50_000);

/** The parameters of a route that takes none. */
export const noParameters = z.strictObject({});

const wholeId = z.int({ error: ENTITY }).min(0, ENTITY).transform(String);

/** The same in a body, where an integer may also be a JSON number. */
export const bodyEntityId = z.union([wholeId, entityId], { error: ENTITY }).meta({ instead: DESCRIBED });

/**
 * Reads parameters by their schema.
 * @throws InvalidRequestError naming every parameter that is wrong; or every unknown one, together with those that exist
 */
export const readParameters = <S extends z.ZodObject>(schema: S, raw: RawParameters): z.output<S> =>
  read(schema, raw, 'parameter');

/**
 * Reads the fields of a body by their schema.
 * @throws InvalidRequestError as for parameters, or when the body is no object
 */
export function readFields<S extends z.ZodObject>(schema: S, body: unknown): z.output<S> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    return read(schema, body as Record<string, unknown>, 'field');
  }
  throw new InvalidRequestError(
    'invalid_body',
    `the body is ${shown(body)}: a JSON object is expected`,
    `the fields are ${Object.keys(schema.shape).join(', ')}`,
  );
}

function read<S extends z.ZodObject>(
  schema: S,
  raw: Readonly<Record<string, unknown>>,
  what: 'parameter' | 'field',
): z.output<S> {
  const known = Object.keys(schema.shape);
  const unknown = Object.keys(raw).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new InvalidRequestError(
      'unknown_parameter',
      `there is no ${what} ${unknown.map((name) => JSON.stringify(shorten(name))).join(', ')} here`,
      known.length === 0 ? `this route takes no ${what}s` : `the ${what}s of this route are ${known.join(', ')}`,
    );
  }
  const reading = schema.safeParse(raw);
  if (reading.success) return reading.data;
  const describe = what === 'parameter' ? describeParameter : describeField;
  throw invalid(reading.error, (name, expected) => describe(name, raw[name], expected));
}

/** What a schema found wrong, as the error for the caller. */
function invalid(error: z.ZodError, describe: (name: string, expected: string) => string): InvalidRequestError {
  const problems = new Map<string, string>();
  for (const issue of error.issues) {
    const name = String(issue.path[0] ?? 'request');
    if (!problems.has(name)) problems.set(name, describe(name, issue.message));
  }
  return new InvalidRequestError(
    'invalid_parameter',
    [...problems.values()].join('; '),
    `correct ${[...problems.keys()].join(', ')} and ask again`,
  );
}

function describeParameter(name: string, value: unknown, expected: string): string {
  if (Array.isArray(value)) return `${name} is given ${value.length} times: ${expected}, once`;
  return describeField(name, value, expected);
}

const describeField = (name: string, value: unknown, expected: string): string =>
  value === undefined
    ? `${name} is missing: ${expected}`
    : `${name} is ${typeof value === 'string' ? JSON.stringify(shorten(value)) : shown(value)}: ${expected}`;

/** The beginning of its JSON; what is read from a body may be nested too deeply to be written again. */
function shown(value: unknown): string {
  try {
    return shorten(JSON.stringify(value));
  } catch {
    return `${Array.isArray(value) ? 'a list' : 'an object'} that is nested too deeply to be shown`;
  }
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
