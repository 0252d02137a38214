import { neededMetadata } from '#libs/clean/metadata.ts';
import type { Uuid } from '#libs/domain/change.ts';
import { neededColumns, type SourceTable } from '#libs/domain/source-tables/index.ts';
import { decodeTimestamp } from '#libs/source/postgres/decode.ts';
import type { TextRow } from '#libs/source/postgres/snapshot.ts';
import { isVisible, type SourceSnapshot } from './visibility.ts';

/** Where the ids of students and courses lead to, as text; undefined: never seen. */
export interface KnownIds {
  student(id: Uuid): string | undefined;
  course(id: Uuid): string | undefined;
}

/** What a value of the source stands as in its image, both as text. */
type ToImage = (text: string) => string | null | undefined;

/** Two rows as text, the source's (id, columns) and its image's (id, transaction, columns): true where they say the same. */
export type SameRow = (row: TextRow, image: TextRow) => boolean;

/** A word that rows repeat is converted once. More, or longer ones, are converted each time, so that memory stays bounded. */
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

/** As {@link decodeTimestamp}, and as text. Days come again and again, so that mostly a time of day alone has to be read. */
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

/** A day of four digits a year, as nearly all are. */
const TIME_OF_DAY = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?$/;
const two = (text: string, at: number): number => 10 * text.charCodeAt(at) + text.charCodeAt(at + 1) - 528;
const asText = (millis: number | null): string | null => (millis === null ? null : String(millis));

/** Compares without making an object of either row: there are millions of them, and nearly all are equal. */
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

/** What a piece of a range came to. */
export interface PieceOutcome {
  readonly equal: number;
  /** Rows that have to be looked at once more: true where they differed, false where the snapshot was too early to tell. */
  readonly toRecheck: ReadonlyMap<Uuid, boolean>;
  /** Index of the first row behind the piece. */
  readonly next: number;
}

/**
 * Compares rows from an index on with images, both in order of their ids, as far as the piece reaches.
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

/** Rows of one transaction mostly stand together, and most are of none. */
function sameAsLast(ask: (xid: string | null) => boolean): (xid: string | null) => boolean {
  let last: string | null = null;
  let answer = ask(null);
  return (xid) => {
    if (xid !== last) [last, answer] = [xid, ask(xid)];
    return answer;
  };
}
