import { z } from 'zod';
import { InvalidRequestError } from './errors.ts';

/** One page of a list; `next` is the cursor of the page after it, null when this is the last. */
export interface Page<R> {
  readonly rows: readonly R[];
  /** The rest of a page longer than `rows`, read on demand; absent if `rows` is the whole page. */
  readonly more?: AsyncIterable<readonly R[]>;
  readonly next: string | null;
}

/** The values by which a list is ordered; no two rows have the same. */
export type PageKey = readonly (string | number)[];

/** What follows `after`, up to and including `through`. */
export interface Range<K extends PageKey> {
  readonly after: K;
  readonly through: K;
}

/** A list that may be long. */
export interface LongList<R, K extends PageKey> {
  /** A key beyond which there is no row. */
  readonly end: K;
  keyOf(row: R): K;
  /** At most `limit` rows of a range, in order, after skipping the first `skipped`. */
  read(range: Range<K>, limit: number, skipped: number): Promise<R[]>;
}

/** Most rows in memory at once. */
const PART = 2_500;

/** Text in Postgres cannot contain a NUL. */
const parts = z.array(z.union([z.string().refine((text) => !text.includes('\0')), z.int()]));

/** The key of a page's last row, as opaque text that callers pass back. */
export const encodeCursor = (key: PageKey): string => Buffer.from(JSON.stringify(key)).toString('base64url');

/** @throws InvalidRequestError when this list did not issue the cursor */
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

const idCursor = z.tuple([z.int32().min(0)]);

/** Our integer of the last row of the page before, in a list that is ordered by it; 0 before the first page. */
export const idAfter = (cursor: string | undefined): number =>
  cursor === undefined ? 0 : decodeCursor(idCursor, cursor)[0];

/**
 * Cuts `limit + 1` rows read down to a page; the surplus row tells whether another page follows.
 * @param keyOf the values by which the list is ordered
 */
export function cutPage<R>(rows: readonly R[], limit: number, keyOf: (row: R) => PageKey): Page<R> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return { rows: kept, next: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null };
}

/**
 * A page that may be long: its first part, and the others on demand, each read by a statement of its own, so that a
 * slow reader holds no connection and no snapshot. The end of the page is looked up before it is sent, since a header needs
 * it; rows that are added before that end meanwhile are sent too, even if the page then has more than `limit`.
 */
export async function readPage<R, K extends PageKey>(list: LongList<R, K>, after: K, limit: number): Promise<Page<R>> {
  const rest = { after, through: list.end };
  const rows = await list.read(rest, Math.min(limit, PART) + 1, 0);
  if (limit <= PART || rows.length <= PART) return cutPage(rows, limit, list.keyOf);
  const [last, surplus] = await list.read(rest, 2, limit - 1);
  const isCut = last !== undefined && surplus !== undefined;
  const through = isCut ? list.keyOf(last) : list.end;
  const first = rows.slice(0, PART);
  return { rows: first, more: readOn(list, first, through), next: isCut ? encodeCursor(through) : null };
}

async function* readOn<R, K extends PageKey>(
  list: LongList<R, K>,
  first: readonly R[],
  through: K,
): AsyncGenerator<R[]> {
  for (let last = first.at(-1); last !== undefined; ) {
    const rows = await list.read({ after: list.keyOf(last), through }, PART, 0);
    yield rows;
    last = rows.length < PART ? undefined : rows.at(-1);
  }
}

/** The same page, with its rows as they are served. */
export function presentPage<R, S>({ rows, more, next }: Page<R>, present: (row: R) => S): Page<S> {
  const page = { rows: rows.map(present), next };
  return more === undefined ? page : { ...page, more: presentParts(more, present) };
}

async function* presentParts<R, S>(parts: AsyncIterable<readonly R[]>, present: (row: R) => S): AsyncGenerator<S[]> {
  for await (const part of parts) yield part.map(present);
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
