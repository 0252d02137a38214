import type { LocalMillis } from '#libs/domain/change.ts';
import type { ColumnKind } from '#libs/domain/source-tables/declaration.ts';
import type { ReadFloat } from '#libs/platform/registry/floats.ts';
import { doubleText, singleText } from './floats.ts';

/** What Debezium writes in place of an unchanged column that is stored out of line. */
export const UNAVAILABLE = '__debezium_unavailable_value';

/** A record that can be decoded, but whose content we do not understand. */
export class Malformed extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'Malformed';
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @throws Malformed */
export function readUuid(value: unknown, column: string): string {
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  if (!UUID.test(text)) throw new Malformed(`${column} is no UUID`);
  return text;
}

/** The text of a binary floating-point number, in a class of its own because a plain string would not show its origin. */
export class FloatText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** How a registry must decode floating-point numbers that our connector writes. */
export const readFloat: ReadFloat = (value, type) =>
  new FloatText(type === 'float' ? singleText(value) : doubleText(value));

/** Java's names for special numbers, and those of Postgres. */
const SPECIAL_NUMBERS: Readonly<Record<string, string>> = {
  NAN: 'NaN',
  POSITIVE_INFINITY: 'Infinity',
  NEGATIVE_INFINITY: '-Infinity',
};

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]?\d{1,6}))?$/i;

/**
 * A number as Postgres writes it: a numeric arrives as text; integers and binary floats arrive as numbers, whatever
 * `decimal.handling.mode` says.
 * @throws Malformed
 */
export function readNumber(value: unknown, column: string): string {
  if (typeof value === 'string') return readDecimal(value, column);
  if (value instanceof FloatText) return value.text;
  return readInteger(value, column);
}

function readInteger(value: unknown, column: string): string {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value);
  throw new Malformed(`${column} is no number`);
}

/** Debezium writes small numerics with an exponent (`1E-7`, `0E-8`), which is the same number with the same scale. */
function readDecimal(value: string, column: string): string {
  const special = SPECIAL_NUMBERS[value.toUpperCase()];
  if (special !== undefined) return special;
  const match = DECIMAL.exec(value);
  if (match === null) throw new Malformed(`${column} is no decimal number`);
  const [, sign = '', whole = '', fraction = '', exponent] = match;
  return exponent === undefined ? value : sign + shiftPoint(whole, fraction, Number(exponent));
}

function shiftPoint(whole: string, fraction: string, exponent: number): string {
  const scale = Math.max(0, fraction.length - exponent);
  const digits = `${whole}${fraction}${'0'.repeat(Math.max(0, exponent - fraction.length))}`.padStart(scale + 1, '0');
  const point = digits.length - scale;
  const integer = digits.slice(0, point).replace(/^0+(?=\d)/, '');
  return scale === 0 ? integer : `${integer}.${digits.slice(point)}`;
}

const readText = (value: unknown, column: string): string =>
  typeof value === 'string' ? value : readInteger(value, column);

function readJson(value: unknown, column: string): string {
  if (typeof value === 'string') return value;
  throw new Malformed(`${column} is no JSON as text`);
}

/** Milliseconds of the local clock. Values too large to be exact are infinite, or after the year 287396: null. */
function readTimestamp(value: unknown, column: string): LocalMillis | null {
  if (typeof value === 'bigint') return null;
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new Malformed(`${column} is no time in ms`);
  return value;
}

/**
 * One value of a Debezium envelope, in the form that {@link ColumnKind} specifies (with
 * `decimal.handling.mode=string` and `time.precision.mode=connect`).
 * @param value not null
 * @throws Malformed
 */
export function readValue(kind: ColumnKind, value: unknown, column: string): string | LocalMillis | null {
  switch (kind) {
    case 'uuid':
      return readUuid(value, column);
    case 'timestamp':
      return readTimestamp(value, column);
    case 'numeric':
    case 'integer':
      return readNumber(value, column);
    case 'text':
      return readText(value, column);
    case 'json':
      return readJson(value, column);
  }
}
