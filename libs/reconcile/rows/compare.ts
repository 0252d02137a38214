import { neededMetadata } from '#libs/clean/metadata.ts';
import type { Uuid } from '#libs/domain/change.ts';
import { neededColumns, type SourceTable } from '#libs/domain/source-tables/index.ts';
import { decodeTimestamp } from '#libs/source/postgres/decode.ts';
import type { TextRow } from '#libs/source/postgres/snapshot.ts';
import { isVisible, type SourceSnapshot } from './visibility.ts';

/** Our integer ids for the source's students and courses, as text; undefined: never seen. */
export interface KnownIds {
  student(id: Uuid): string | undefined;
  course(id: Uuid): string | undefined;
}

/** Converts a source value to its form in the image, both as text. */
type ToImage = (text: string) => string | null | undefined;

/** True if two rows as text have the same values: the source's (id, columns) and its image (id, transaction, columns). */
export type SameRow = (row: TextRow, image: TextRow) => boolean;

/** Repeated values are converted once. To bound memory, longer ones are not remembered, and a full cache is cleared. */
const MOST_WORDS = 5_000;
const LONGEST_WORD = 200;

function remembering(convert: (text: string) => string | null): ToImage {
  const known = new Map<string, string | null>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const converted = convert(text);
    if (text.length <= LONGEST_WORD) {
      if (known.size >= MOST_WORDS) known.clear();
      known.set(text, converted);
    }
    return converted;
  };
}

/** Like {@link decodeTimestamp}, but as text. Days repeat, so mostly only the time of day has to be read. */
function timestampText(): ToImage {
  const midnight = remembering((day) => asText(decodeTimestamp(`${day} 00:00:00`)));
  return (text) => {
    const seconds = TIME_OF_DAY.test(text) ? midnight(text.slice(0, 10)) : undefined;
    if (typeof seconds !== 'string') return asText(decodeTimestamp(text));
    const [hours, minutes] = [two(text, 11), two(text, 14)];
    const millis = ((hours * 60 + minutes) * 60 + two(text, 17)) * 1_000 + Number(text.slice(20, 23).padEnd(3, '0'));
    return String(Number(seconds) + millis);
  };
}

/** A timestamp with a four-digit year, as nearly all are. */
const TIME_OF_DAY = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?$/;
const two = (text: string, at: number): number => 10 * text.charCodeAt(at) + text.charCodeAt(at + 1) - 528;
const asText = (millis: number | null): string | null => (millis === null ? null : String(millis));

/** Compares without turning either row into an object: there are millions of them, and nearly all are equal. */
export function compareRows(table: SourceTable, ids: KnownIds): SameRow {
  const converters = neededColumns(table).map(({ name, kind }): ToImage | null => {
    if (kind === 'uuid') return name === 'student_id' ? (id) => ids.student(id) : (id) => ids.course(id);
    if (kind === 'timestamp') return timestampText();
    return kind === 'json' ? remembering(neededMetadata) : null;
  });
  const count = converters.length;
  return (row, image) => {
    for (let index = 0; index < count; index += 1) {
      const given = row[index + 1] ?? null;
      const stored = image[index + 2] ?? null;
      const convert = converters[index] ?? null;
      const expected = given === null || convert === null ? given : convert(given);
      if (expected !== stored) return false;
    }
    return true;
  };
}

/** The result of comparing a piece of a range. */
export interface PieceOutcome {
  readonly equal: number;
  /** Rows to compare again: true if they differed, false if the snapshot was too early to tell. */
  readonly toRecheck: ReadonlyMap<Uuid, boolean>;
  /** Index of the first row after the piece. */
  readonly next: number;
}

/**
 * Compares the rows from an index on, up to the end of the piece, with images; both are in order of their ids.
 * @param upTo the last id of the piece; null: to the end
 */
export function comparePiece(
  { rows, snapshot }: { readonly rows: readonly TextRow[]; readonly snapshot: SourceSnapshot },
  from: number,
  upTo: Uuid | null,
  images: readonly TextRow[],
  same: SameRow,
): PieceOutcome {
  const toRecheck = new Map<Uuid, boolean>();
  let equal = 0;
  let next = from;
  const isSeen = sameAsLast((xid: string | null) => isVisible(xid === null ? null : Number(xid), snapshot));
  const note = (id: Uuid, image: TextRow, isEqual: boolean): void => {
    const seen = isSeen(image[1] ?? null);
    if (isEqual && seen) equal += 1;
    else toRecheck.set(id, seen);
  };
  for (const image of images) {
    const id = image[0] ?? '';
    for (; next < rows.length && idAt(rows, next) < id; next += 1) toRecheck.set(idAt(rows, next), true);
    const row = rows[next];
    if (row !== undefined && row[0] === id) {
      next += 1;
      note(id, image, same(row, image));
    } else note(id, image, false);
  }
  for (; next < rows.length && (upTo === null || idAt(rows, next) <= upTo); next += 1)
    toRecheck.set(idAt(rows, next), true);
  return { equal, toRecheck, next };
}

const idAt = (rows: readonly TextRow[], index: number): Uuid => rows[index]?.[0] ?? '';

/** Remembers the last answer: rows of one transaction are mostly adjacent, and most rows have none. */
function sameAsLast(ask: (xid: string | null) => boolean): (xid: string | null) => boolean {
  let last: string | null = null;
  let answer = ask(null);
  return (xid) => {
    if (xid !== last) [last, answer] = [xid, ask(xid)];
    return answer;
  };
}
