import { z } from 'zod';
import { InvalidRequestError } from './errors.ts';

/** One page of a list; `next` is the cursor of the page after it, null when this is the last. */
export interface Page<R> {
  readonly rows: readonly R[];
  readonly next: string | null;
}

/** Postgres has no text with a NUL in it. */
const parts = z.array(z.union([z.string().refine((text) => !text.includes('\0')), z.int()]));

/** The key of a page's last row, as text that callers pass back and need not understand. */
export const encodeCursor = (key: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url');

/** @throws InvalidRequestError when it is not a cursor that this list has given */
export function decodeCursor<S extends z.ZodType>(schema: S, cursor: string): z.output<S> {
  let decoded: unknown;
  try {
    decoded = parts.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    decoded = undefined;
  }
  const reading = schema.safeParse(decoded);
  if (reading.success) return reading.data;
  throw new InvalidRequestError(
    'invalid_parameter',
    'cursor is not one that this list has given',
    'take it from the Link header of the page before, or leave it out to begin anew',
  );
}

/**
 * Cuts `limit + 1` rows read down to a page; the surplus row tells whether another page follows.
 * @param keyOf the values by which the list is ordered
 */
export function cutPage<R>(
  rows: readonly R[],
  limit: number,
  keyOf: (row: R) => readonly (string | number)[],
): Page<R> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return { rows: kept, next: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null };
}

/** The Link header that leads to the next page: the same path and parameters, with another cursor. */
export function nextLink(path: string, parameters: Readonly<Record<string, unknown>>, cursor: string): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value === 'string' && name !== 'cursor') query.append(name, value);
  }
  query.append('cursor', cursor);
  return `<${path}?${query.toString()}>; rel="next"`;
}
