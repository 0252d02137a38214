import type { AnyRowChange, LocalMillis, RowOp, Uuid } from '#libs/domain/change.ts';
import type { Position } from '#libs/domain/position.ts';
import type { ColumnKind } from '#libs/domain/source-tables/declaration.ts';
import { type NeededColumn, neededColumns, type SourceTable } from '#libs/domain/source-tables/index.ts';

const MILLIS_PER_400_YEARS = 146_097 * 86_400_000;
const TIMESTAMP = /^(\d{4,})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?( BC)?$/;

/**
 * The text form of a `timestamp` in ISO date style as {@link LocalMillis}, cut to whole milliseconds towards the past.
 * Null for ±infinity and for values that a JavaScript number cannot hold exactly (years after 287396).
 * @throws RangeError for any other text
 */
export function decodeTimestamp(text: string): LocalMillis | null {
  return COMMON.test(text) ? decodeCommon(text) : decodeAny(text);
}

/** Nearly all have a four-digit year and are decoded by character position, at a fraction of the cost of a pattern. */
const COMMON = /^[1-9]\d{3}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?$/;

function decodeCommon(text: string): LocalMillis {
  const digit = (at: number): number => (at < text.length ? text.charCodeAt(at) - 48 : 0);
  const two = (at: number): number => digit(at) * 10 + digit(at + 1);
  const millis = digit(20) * 100 + two(21);
  return Date.UTC(two(0) * 100 + two(2), two(5) - 1, two(8), two(11), two(14), two(17), millis);
}

function decodeAny(text: string): LocalMillis | null {
  const match = TIMESTAMP.exec(text);
  if (match === null) {
    if (text === 'infinity' || text === '-infinity') return null;
    throw new RangeError(`not a timestamp in ISO style: "${text}"`);
  }
  const [, yearText, month, day, hour, minute, second, fraction = '', era] = match;
  const year = era === undefined ? Number(yearText) : 1 - Number(yearText);
  // The calendar repeats every 400 years, and Date.UTC mistakes the years 0 to 99 for 1900 to 1999.
  const cycles = Math.floor(year / 400) - 5;
  const inCycle = year - cycles * 400;
  const whole = Date.UTC(inCycle, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  const millis = whole + cycles * MILLIS_PER_400_YEARS + Number(fraction.slice(0, 3).padEnd(3, '0'));
  return Number.isSafeInteger(millis) ? millis : null;
}

/** Decodes one value from Postgres's text form, which is the same in a snapshot and in the stream. */
export function decodeValue(kind: ColumnKind, text: string): string | LocalMillis | null {
  if (kind === 'timestamp') return decodeTimestamp(text);
  return kind === 'uuid' ? text.toLowerCase() : text;
}

/** What a row is stamped with: its position and, for streamed rows, the transaction and the time of its commit. */
export interface Stamp {
  readonly position: Position;
  readonly xid?: bigint;
  readonly committedAt?: number;
}

/**
 * Builds a change that carries a row.
 * @param value the text of a column; null if the source has null, undefined if it did not send the column
 */
export function rowChange(
  table: SourceTable,
  op: Exclude<RowOp, 'delete'>,
  id: Uuid,
  stamp: Stamp,
  value: (column: NeededColumn, index: number) => string | null | undefined,
): AnyRowChange {
  const after: Record<string, string | LocalMillis | null> = {};
  for (const [index, column] of neededColumns(table).entries()) {
    const text = value(column, index);
    if (text !== undefined) after[column.name] = text === null ? null : decodeValue(column.kind, text);
  }
  // The columns come from neededColumns(table), from which the type of `after` is derived.
  return { table, op, id: id.toLowerCase(), ...stamp, after } as AnyRowChange;
}

export function deleteChange(table: SourceTable, id: Uuid, stamp: Stamp): AnyRowChange {
  return { table, op: 'delete', id: id.toLowerCase(), ...stamp } as AnyRowChange;
}
